// One evaluation of the denoiser for a batch of cells, per way of computing it. `ms_per_cell` is
// the figure of performance.md.
#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include <memory>

#include "bench/core/model/naive.h"
#include "bench/core/model/synthetic.h"
#include "core/diffusion/solver.h"
#include "core/model/cpu/cpu_network.h"
#include "core/model/torch/threads.h"

namespace unlasting::bench {
namespace {

using model::Attention;
using model::ModelConfig;
using model::Network;
using model::NetworkKind;
using model::cpu::CpuNetwork;
using model::cpu::NetworkRow;
using torch::Tensor;

void ReportPerCell(benchmark::State& state, int64_t cells) {
  state.counters["ms_per_cell"] = benchmark::Counter(
      static_cast<double>(cells) * 1e-3,
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
  state.counters["cells"] = static_cast<double>(cells);
}

struct FusedCells {
  FusedCells(const ModelConfig& config, int64_t degree, int64_t count)
      : network(true, config,
                RandomNetwork(NetworkKind::kDenoiser, config, degree, Attention::kPlain)
                    .ToWeights<float>(),
                Threads()),
        x_t(torch::randn({count, config.genes})),
        control(torch::rand({count, config.genes}) * 0.2),
        out(torch::zeros({count, config.genes})),
        gene_readout(count) {
    for (int64_t k = 0; k < count; ++k) {
      NetworkRow<float> row;
      row.x_t = x_t[k].data_ptr<float>();
      row.control = control[k].data_ptr<float>();
      row.knockout = absl::MakeConstSpan(&knocked_out, 1);
      row.gene_readout = &gene_readout[k];
      row.out = out[k].data_ptr<float>();
      rows.push_back(row);
    }
  }
  void Evaluate(int32_t time) {
    for (auto& row : rows) row.time = time;
    network.Run(rows);
  }

  CpuNetwork<float> network;
  Tensor x_t, control, out;
  std::vector<AlignedVector<float>> gene_readout;
  const int32_t knocked_out = 3;
  std::vector<NetworkRow<float>> rows;
};

// Times of the default solver: what a path really meets.
std::vector<int32_t> SolverTimes() {
  const auto plan =
      *diffusion::MakeBridgePlan(diffusion::Schedule(), diffusion::Solver::kDpmSolverPp2m, 10);
  std::vector<int32_t> times;
  for (const auto& step : plan.decode) times.push_back(step.time);
  return times;
}

void Fused(benchmark::State& state) {
  const int64_t genes = state.range(0), degree = state.range(1), cells = state.range(2);
  FusedCells batch(PaperConfig(genes, "paper"), degree, cells);
  const auto times = SolverTimes();
  for (const int32_t time : times) batch.Evaluate(time);
  size_t k = 0;
  for (auto _ : state) batch.Evaluate(times[k++ % times.size()]);
  ReportPerCell(state, cells);
}

// `static` GRN inputs after the first step: Block and Decoder.
void FusedStatic(benchmark::State& state) {
  const int64_t genes = state.range(0), degree = state.range(1), cells = state.range(2);
  FusedCells batch(PaperConfig(genes, "static"), degree, cells);
  const auto times = SolverTimes();
  for (const int32_t time : times) batch.Evaluate(time);
  size_t k = 0;
  for (auto _ : state) batch.Evaluate(times[k++ % times.size()]);
  ReportPerCell(state, cells);
}

// Latents there already: ten evaluations from noise to profile, the block's first run included.
void Screen(benchmark::State& state, const char* grn_inputs) {
  const int64_t genes = state.range(0), degree = state.range(1), cells = state.range(2);
  FusedCells batch(PaperConfig(genes, grn_inputs), degree, cells);
  const auto times = SolverTimes();
  for (const int32_t time : times) batch.Evaluate(time);
  for (auto _ : state) {
    for (auto& kept : batch.gene_readout) kept.clear();
    for (const int32_t time : times) batch.Evaluate(time);
  }
  state.counters["cells_per_s"] =
      benchmark::Counter(static_cast<double>(cells), benchmark::Counter::kIsIterationInvariantRate);
}
void ScreenPaper(benchmark::State& state) { Screen(state, "paper"); }
void ScreenStatic(benchmark::State& state) { Screen(state, "static"); }

void TorchScript(benchmark::State& state, Attention attention) {
  const int64_t genes = state.range(0), degree = state.range(1), cells = state.range(2);
  const ModelConfig config = PaperConfig(genes, "paper");
  const Network network = RandomNetwork(NetworkKind::kDenoiser, config, degree, attention);
  const Network::Inputs inputs = RandomInputs(config, cells);
  const Tensor x_t = torch::randn({cells, genes});
  const Tensor t = torch::full({cells}, 250, torch::kInt64);
  at::set_num_threads(Threads());
  for (auto _ : state) {
    c10::InferenceMode inference;
    benchmark::DoNotOptimize(network.Denoise(x_t, t, inputs));
  }
  at::set_num_threads(1);
  ReportPerCell(state, cells);
}
void TorchScriptPlain(benchmark::State& state) { TorchScript(state, Attention::kPlain); }
void TorchScriptFusedAttention(benchmark::State& state) { TorchScript(state, Attention::kFused); }

void NaiveHeadOfOneLayer(benchmark::State& state) {
  const int64_t genes = state.range(0), degree = state.range(1), cells = state.range(2);
  const auto statistics = RandomStatistics(genes, degree);
  const Tensor sources = torch::tensor(statistics.edge_source, torch::kInt64);
  const Tensor targets = torch::arange(genes).repeat_interleave(degree + 1);
  const Tensor left = torch::randn({cells, genes, 64}), right = torch::randn({cells, genes, 64});
  const Tensor attention = torch::randn({64});
  at::set_num_threads(Threads());
  for (auto _ : state) {
    c10::InferenceMode inference;
    benchmark::DoNotOptimize(NaiveHead(left, right, attention, sources, targets));
  }
  at::set_num_threads(1);
  ReportPerCell(state, cells);
}

void Sizes(benchmark::internal::Benchmark* b) {
  for (const int64_t degree : {20, 5, 80}) {
    for (const int64_t genes : {1000, 2000, 5000, 20000}) b->Args({genes, degree, 16});
  }
}
void SizesAtDegree20(benchmark::internal::Benchmark* b) {
  for (const int64_t genes : {1000, 2000, 5000}) b->Args({genes, 20, 16});
}
void SizesOfSlow(benchmark::internal::Benchmark* b) {
  for (const int64_t genes : {1000, 2000, 5000}) b->Args({genes, 20, 2});
}

BENCHMARK(Fused)->Apply(Sizes)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(Fused)
    ->Args({5000, 20, 1})
    ->Args({5000, 20, 64})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(FusedStatic)->Apply(SizesAtDegree20)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(ScreenPaper)->Args({5000, 20, 64})->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(ScreenStatic)->Args({5000, 20, 64})->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(TorchScriptFusedAttention)
    ->Apply(SizesOfSlow)
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(TorchScriptPlain)->Apply(SizesOfSlow)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(NaiveHeadOfOneLayer)->Apply(SizesOfSlow)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace unlasting::bench
