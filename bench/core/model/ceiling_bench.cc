// What this machine can do at best: a large matrix product through BLAS and through our kernel, and
// a copy between arrays that no cache holds. Shares of these are what the other figures mean.
#include <benchmark/benchmark.h>
#include <torch/torch.h>

#include <cstring>
#include <vector>

#include "bench/core/model/synthetic.h"
#include "core/model/cpu/matrix.h"
#include "core/model/cpu/thread_team.h"

// Present where BLAS is OpenBLAS.
extern "C" void openblas_set_num_threads(int) __attribute__((weak));

namespace unlasting::bench {
namespace {

using model::cpu::PackedMatrix;
using model::cpu::ThreadTeam;

void ReportFlops(benchmark::State& state, double flops) {
  state.counters["gflops"] =
      benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsIterationInvariantRate);
}

void LargeProductBlas(benchmark::State& state) {
  const int n = 2048;
  const torch::Tensor a = torch::rand({n, n}), b = torch::rand({n, n});
  torch::Tensor c = torch::empty({n, n});
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(Threads());
  for (auto _ : state) torch::mm_out(c, a, b);
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
  ReportFlops(state, 2.0 * n * n * n);
}

// The engine's shape: nodes by 64, times 64 by 256.
void LayerProduct(benchmark::State& state) {
  const int64_t nodes = 5000, depth = 64, columns = 256;
  const std::vector<float> weights(depth * columns, 0.1f);
  const PackedMatrix<float> packed(weights.data(), depth, columns, depth);
  ThreadTeam team(Threads());
  std::vector<float> a(nodes * depth, 0.5f);
  std::vector<std::vector<float>> c(Threads(), std::vector<float>(nodes * columns));
  for (auto _ : state) {
    team.Run(Threads(), [&](int64_t task, int) {
      for (int64_t first = 0; first < nodes; first += 60) {
        packed.Multiply(a.data() + first * depth, depth, std::min<int64_t>(60, nodes - first),
                        nullptr, false, c[task].data() + first * columns, columns);
      }
    });
  }
  ReportFlops(state, 2.0 * nodes * depth * columns * Threads());
}

void Copy(benchmark::State& state) {
  const size_t bytes = size_t{256} << 20;
  std::vector<std::vector<char>> from(Threads(), std::vector<char>(bytes, 1));
  std::vector<std::vector<char>> to(Threads(), std::vector<char>(bytes));
  ThreadTeam team(Threads());
  for (auto _ : state) {
    team.Run(Threads(),
             [&](int64_t task, int) { std::memcpy(to[task].data(), from[task].data(), bytes); });
  }
  // Read and written.
  state.counters["gigabytes_per_s"] = benchmark::Counter(
      2e-9 * static_cast<double>(bytes) * Threads(), benchmark::Counter::kIsIterationInvariantRate);
}

BENCHMARK(LargeProductBlas)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(LayerProduct)->UseRealTime()->Unit(benchmark::kMillisecond);
BENCHMARK(Copy)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace unlasting::bench
