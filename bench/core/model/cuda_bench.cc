// One evaluation of the denoiser for a batch of cells, whole bridges, and the training operator, on
// a CUDA device. `cells_per_s` of Screen is the figure of performance.md.
#include <benchmark/benchmark.h>

#include <memory>
#include <random>
#include <vector>

#include "bench/core/model/cuda_timing.h"
#include "core/diffusion/solver.h"
#include "core/model/cuda/attention_kernels.h"
#include "core/model/cuda/cuda_network.h"
#include "tests/support/random_weights.h"

namespace unlasting::bench {
namespace {

using model::ModelConfig;
using model::cuda::Cell;
using model::cuda::CellStep;
using model::cuda::Context;
using model::cuda::CudaNetwork;
using model::cuda::CudaOptions;
using model::cuda::DeviceArray;
using model::cuda::Precision;

constexpr int64_t kDegree = 20;  // and the node itself

ModelConfig PaperConfig(int64_t genes) {
  ModelConfig config;
  config.genes = config.nodes = genes;
  return config;
}

struct Cells {
  Cells(std::shared_ptr<Context> context, int64_t genes, int64_t count, Precision precision)
      : config(PaperConfig(genes)), context(std::move(context)) {
    CudaOptions options;
    options.precision = precision;
    const auto graph = test::MakeRandomGraph(genes, [](int64_t) { return kDegree + 1; });
    network = std::make_unique<CudaNetwork>(
        true, config, test::RandomWeights(model::NetworkKind::kDenoiser, config, graph, 3),
        this->context, options);
    pool = network->NewPool();
    std::mt19937_64 random(1);
    std::normal_distribution<float> normal;
    x.resize(genes);
    for (float& value : x) value = normal(random);
    for (int64_t k = 0; k < count; ++k) {
      cells.push_back(pool->Acquire());
      CellStep step;
      step.cell = cells.back().get();
      step.knockout = absl::MakeConstSpan(&knocked_out, 1);
      steps.push_back(step);
    }
  }
  void Start(bool with_control) {
    for (auto& cell : cells) pool->Put(x.data(), with_control ? x.data() : nullptr, cell.get());
  }
  void Evaluate(const diffusion::SolverStep& solver) {
    for (CellStep& step : steps) {
      step.time = solver.time;
      step.x_coefficient = solver.x_coefficient;
      step.x0_coefficient = solver.x0_coefficient;
      step.previous_coefficient = solver.previous_coefficient;
    }
    network->Step(steps);
  }

  ModelConfig config;
  std::shared_ptr<Context> context;
  std::unique_ptr<CudaNetwork> network;
  std::unique_ptr<model::cuda::CellPool> pool;
  std::vector<float> x;
  std::vector<std::shared_ptr<Cell>> cells;
  std::vector<CellStep> steps;
  const int32_t knocked_out = 3;
};

diffusion::BridgePlan DefaultPlan() {
  return *diffusion::MakeBridgePlan(diffusion::Schedule(), diffusion::Solver::kDpmSolverPp2m, 10);
}

// Work that no way of computing it can leave out, of one cell: products, and features gathered.
double Gigaflops(const ModelConfig& c) {
  const double wide = 2.0 * c.heads * c.dim, nodes = static_cast<double>(c.nodes);
  const double maps = 2.0 * nodes * c.dim * wide * c.layers;
  const double dense = 2.0 * (4.0 * c.genes * c.hidden + 2.0 * c.hidden * c.hidden);
  const double attention = 6.0 * nodes * (kDegree + 1) * c.heads * c.dim * c.layers;
  return 1e-9 * (maps + dense + attention);
}
double GatheredGigabytes(const ModelConfig& c, Precision precision) {
  const double feature = precision == Precision::kBf16 ? 2 : 4;
  return 1e-9 * c.layers * c.nodes * (kDegree + 1) * c.heads * c.dim * feature;
}

void Evaluation(benchmark::State& state, Precision precision) {
  const auto context = DeviceOrSkip(state);
  if (context == nullptr) return;
  const int64_t count = state.range(1);
  Cells cells(context, state.range(0), count, precision);
  cells.Start(/*with_control=*/true);
  const auto plan = DefaultPlan().decode;
  for (const auto& step : plan) cells.Evaluate(step);
  TimeOnDevice(state, *context, [&] { cells.Evaluate(plan[3]); });
  const auto per_cell = static_cast<double>(count);
  Rate(state, "evaluations_per_s", per_cell);
  Rate(state, "teraflops", 1e-3 * per_cell * Gigaflops(cells.config));
  Rate(state, "gathered_gigabytes_per_s", per_cell * GatheredGigabytes(cells.config, precision));
}
void EvaluationFloat32(benchmark::State& state) { Evaluation(state, Precision::kFloat32); }
void EvaluationTf32(benchmark::State& state) { Evaluation(state, Precision::kTf32); }
void EvaluationBf16(benchmark::State& state) { Evaluation(state, Precision::kBf16); }

// Both halves of the bridge, 10 + 10 evaluations, uploads and the way back included.
void Screen(benchmark::State& state, Precision precision) {
  const auto context = DeviceOrSkip(state);
  if (context == nullptr) return;
  const int64_t genes = state.range(0), count = state.range(1);
  Cells cells(context, genes, count, precision);
  const auto plan = DefaultPlan();
  std::vector<float> results(count * genes);
  std::vector<const Cell*> done;
  std::vector<float*> out;
  for (int64_t k = 0; k < count; ++k) {
    done.push_back(cells.cells[k].get());
    out.push_back(results.data() + k * genes);
  }
  TimeOnDevice(state, *context, [&] {
    cells.Start(/*with_control=*/false);
    for (const auto& step : plan.invert) cells.Evaluate(step);
    cells.pool->Take(done, out);
    cells.Start(/*with_control=*/true);
    for (const auto& step : plan.decode) cells.Evaluate(step);
    cells.pool->Take(done, out);
  });
  Rate(state, "cells_per_s", static_cast<double>(count));
}
void ScreenTf32(benchmark::State& state) { Screen(state, Precision::kTf32); }
void ScreenBf16(benchmark::State& state) { Screen(state, Precision::kBf16); }

// unlasting::gatv2 of one layer for a training batch; `backward`: and its gradients.
void TrainingOperator(benchmark::State& state, bool backward) {
  const auto context = DeviceOrSkip(state);
  if (context == nullptr) return;
  const ModelConfig config = PaperConfig(state.range(0));
  model::cuda::AttentionProblem<float> problem;
  problem.cells = state.range(1);
  problem.nodes = config.nodes;
  problem.heads = config.heads;
  problem.dim = config.dim;
  problem.edges = config.nodes * (kDegree + 1);
  // Each node and the 20 behind it: sources and targets alike are then known without sorting.
  std::vector<int64_t> indptr, sources, order(problem.edges), targets(problem.edges);
  for (int64_t i = 0; i < problem.nodes; ++i) {
    indptr.push_back(i * (kDegree + 1));
    for (int64_t k = 0; k <= kDegree; ++k) {
      const int64_t source = (i + k * 97) % problem.nodes;
      targets[sources.size()] = i;
      order[source * (kDegree + 1) + k] = static_cast<int64_t>(sources.size());
      sources.push_back(source);
    }
  }
  indptr.push_back(problem.edges);
  const auto indptr_there = DeviceArray<int64_t>::From(indptr);
  const auto sources_there = DeviceArray<int64_t>::From(sources);
  const auto order_there = DeviceArray<int64_t>::From(order);
  const auto targets_there = DeviceArray<int64_t>::From(targets);
  const int64_t wide = problem.cells * problem.nodes * problem.heads * problem.dim;
  const int64_t narrow = wide / problem.heads;
  const DeviceArray<float> left(wide), right(wide), attention(problem.heads * problem.dim);
  const DeviceArray<float> out(narrow), grad_left(wide), grad_right(wide);
  const DeviceArray<float> scratch(problem.cells * problem.heads * problem.edges * 2);
  const DeviceArray<float> grad_attention(problem.cells * problem.heads * problem.dim *
                                          model::cuda::AttentionParts(problem.nodes));
  problem.indptr = indptr_there.data();
  problem.sources = sources_there.data();
  problem.left = left.data();
  problem.right = right.data();
  problem.attention = attention.data();
  TimeOnDevice(state, *context, [&] {
    model::cuda::AttentionForward(problem, out.data(), context->stream());
    if (!backward) return;
    model::cuda::AttentionBackward<float>(
        problem, {indptr_there.data(), order_there.data(), targets_there.data()},
        {out.data(), scratch.data(), grad_left.data(), grad_right.data(), grad_attention.data()},
        context->stream());
  });
  Rate(state, "batches_per_s", 1);
}
void TrainingForward(benchmark::State& state) { TrainingOperator(state, false); }
void TrainingForwardBackward(benchmark::State& state) { TrainingOperator(state, true); }

void Sizes(benchmark::internal::Benchmark* b) {
  for (const int64_t genes : {1000, 2000, 5000}) {
    for (const int64_t cells : {1, 16, 64, 256}) b->Args({genes, cells});
  }
  b->UseManualTime()->Unit(benchmark::kMillisecond);
}
void ScreenSizes(benchmark::internal::Benchmark* b) {
  for (const int64_t genes : {1000, 2000, 5000}) b->Args({genes, 256});
  b->UseManualTime()->Unit(benchmark::kMillisecond);
}
void TrainingSizes(benchmark::internal::Benchmark* b) {
  for (const int64_t genes : {1000, 2000, 5000}) b->Args({genes, 32});
  b->UseManualTime()->Unit(benchmark::kMillisecond);
}

BENCHMARK(EvaluationFloat32)->Apply(Sizes);
BENCHMARK(EvaluationTf32)->Apply(Sizes);
BENCHMARK(EvaluationBf16)->Apply(Sizes);
BENCHMARK(ScreenTf32)->Apply(ScreenSizes);
BENCHMARK(ScreenBf16)->Apply(ScreenSizes);
BENCHMARK(TrainingForward)->Apply(TrainingSizes);
BENCHMARK(TrainingForwardBackward)->Apply(TrainingSizes);

}  // namespace
}  // namespace unlasting::bench

BENCHMARK_MAIN();
