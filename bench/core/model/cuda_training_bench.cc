// One training step's loss and gradients on a CUDA device, batch 32, in each precision, operation
// by operation and as one recording; and in plain tensor operations.
#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include <memory>
#include <string>

#include "bench/core/model/synthetic.h"
#include "core/model/torch/recording.h"

namespace unlasting::bench {
namespace {

using model::Attention;
using model::Network;
using model::Products;
using torch::Tensor;

void Step(benchmark::State& state, Attention attention, const char* precision,
          bool recorded = false) {
  if (!torch::cuda::is_available()) return state.SkipWithError("no CUDA device");
  at::globalContext().setAllowTF32CuBLAS(precision == std::string("tf32"));
  const int64_t genes = state.range(0), batch = state.range(1);
  const auto config = PaperConfig(genes, "paper");
  Network made = RandomNetwork(model::NetworkKind::kDenoiser, config, 20, attention);
  made.To(torch::kCUDA);
  const bool bf16 = precision == std::string("bf16");
  const Network network = made.Multiplying(bf16 ? Products::kBf16 : Products::kFloat32);
  const std::vector<Tensor> weights = network.Parameters();
  const Tensor x_0 = (torch::rand({batch, genes}) * 0.2).to(torch::kCUDA);
  const Tensor x_t = torch::randn({batch, genes}).to(torch::kCUDA);
  const Tensor t = torch::randint(0, 500, {batch}, torch::kInt64).to(torch::kCUDA);
  Network::Inputs inputs = RandomInputs(config, batch);
  inputs.cell_type = inputs.cell_type.to(torch::kCUDA);
  inputs.control = inputs.control.to(torch::kCUDA);
  inputs.knockout = inputs.knockout.to(torch::kCUDA);
  const auto step = [&] {
    const Tensor loss = network.DenoiserLoss(x_0, x_t, t, inputs).sum();
    benchmark::DoNotOptimize(
        torch::autograd::grad({loss}, weights, {}, false, false, /*allow_unused=*/true));
  };
  std::unique_ptr<model::Recording> recording;
  if (recorded) recording = model::CudaRecorder(torch::Device(torch::kCUDA, 0))(step);
  const auto once = [&] {
    recording != nullptr ? recording->Replay() : step();
    torch::cuda::synchronize();
  };
  once();
  for (auto _ : state) once();
}
void TrainingStep(benchmark::State& state, const char* precision) {
  Step(state, Attention::kOperator, precision);
}
void TrainingStepRecorded(benchmark::State& state, const char* precision) {
  Step(state, Attention::kOperator, precision, /*recorded=*/true);
}
void TrainingStepPlain(benchmark::State& state) { Step(state, Attention::kPlain, "float32"); }

void Sizes(benchmark::internal::Benchmark* b) {
  for (const int64_t genes : {1000, 2000, 5000}) b->Args({genes, 32});
  b->UseRealTime()->Unit(benchmark::kMillisecond);
}
BENCHMARK_CAPTURE(TrainingStep, float32, "float32")->Apply(Sizes);
BENCHMARK_CAPTURE(TrainingStep, tf32, "tf32")->Apply(Sizes);
BENCHMARK_CAPTURE(TrainingStep, bf16, "bf16")->Apply(Sizes);
BENCHMARK_CAPTURE(TrainingStepRecorded, float32, "float32")->Apply(Sizes);
BENCHMARK_CAPTURE(TrainingStepRecorded, bf16, "bf16")->Apply(Sizes);
BENCHMARK(TrainingStepPlain)
    ->Args({1000, 32})
    ->Args({2000, 32})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace unlasting::bench
