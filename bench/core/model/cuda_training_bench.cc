// One training step's loss and gradients on a CUDA device, batch 32, through each way of attending.
#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include "bench/core/model/synthetic.h"

namespace unlasting::bench {
namespace {

using model::Attention;
using model::Network;
using torch::Tensor;

void Step(benchmark::State& state, Attention attention) {
  if (!torch::cuda::is_available()) return state.SkipWithError("no CUDA device");
  const int64_t genes = state.range(0), batch = state.range(1);
  const auto config = PaperConfig(genes, "paper");
  Network network = RandomNetwork(model::NetworkKind::kDenoiser, config, 20, attention);
  network.To(torch::kCUDA);
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
    return torch::autograd::grad({loss}, weights, {}, false, false,
                                 /*allow_unused=*/true);
  };
  step();
  torch::cuda::synchronize();
  for (auto _ : state) {
    benchmark::DoNotOptimize(step());
    torch::cuda::synchronize();
  }
}
void TrainingStepFused(benchmark::State& state) { Step(state, Attention::kFused); }
void TrainingStepPlain(benchmark::State& state) { Step(state, Attention::kPlain); }

BENCHMARK(TrainingStepFused)
    ->Args({1000, 32})
    ->Args({2000, 32})
    ->Args({5000, 32})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
BENCHMARK(TrainingStepPlain)
    ->Args({1000, 32})
    ->Args({2000, 32})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace unlasting::bench
