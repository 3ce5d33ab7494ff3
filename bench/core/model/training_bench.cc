// One training step's loss and gradients, batch 32 (half control cells, half perturbed), through
// each way of attending.
#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include "bench/core/model/synthetic.h"
#include "core/model/torch/threads.h"

namespace unlasting::bench {
namespace {

using model::Attention;
using model::Network;
using model::NetworkKind;
using torch::Tensor;

void Step(benchmark::State& state, Attention attention) {
  const int64_t genes = state.range(0), batch = state.range(1);
  const auto config = PaperConfig(genes, "paper");
  const Network network = RandomNetwork(NetworkKind::kDenoiser, config, 20, attention);
  const auto weights = network.Parameters();
  const Tensor x_0 = torch::rand({batch, genes}) * 0.2, x_t = torch::randn({batch, genes});
  const Tensor t = torch::randint(0, 500, {batch}, torch::kInt64);
  const Network::Inputs inputs = RandomInputs(config, batch);
  for (auto _ : state) {
    model::RunShards(Threads(), [&](int shard) {
      const model::Range range = model::ShardOf(batch, Threads(), shard);
      const int64_t rows = range.end - range.begin;
      if (rows == 0) return;
      const auto part = [&](const Tensor& tensor) {
        return tensor.defined() ? tensor.narrow(0, range.begin, rows) : tensor;
      };
      Network::Inputs mine{part(inputs.cell_type), part(inputs.control), part(inputs.knockout)};
      const Tensor loss = network.DenoiserLoss(part(x_0), part(x_t), part(t), mine).sum();
      benchmark::DoNotOptimize(
          torch::autograd::grad({loss}, weights, {}, false, false, /*allow_unused=*/true));
    });
  }
}

void TrainingStepFused(benchmark::State& state) { Step(state, Attention::kFused); }
void TrainingStepPlain(benchmark::State& state) { Step(state, Attention::kPlain); }

BENCHMARK(TrainingStepFused)
    ->Args({300, 32})
    ->Args({2000, 32})
    ->Args({5000, 32})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);
// Every edge materialised: about 12 GB at the largest.
BENCHMARK(TrainingStepPlain)
    ->Args({300, 32})
    ->Args({2000, 4})
    ->Args({2000, 32})
    ->UseRealTime()
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace unlasting::bench
