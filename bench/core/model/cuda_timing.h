// Time as the device passes it.
#pragma once

#include <benchmark/benchmark.h>

#include <chrono>
#include <memory>

#include "core/model/cuda/runtime.h"

namespace unlasting::bench {

// Null, and the benchmark skipped with a word, where there is no device.
inline std::shared_ptr<model::cuda::Context> DeviceOrSkip(benchmark::State& state) {
  if (model::cuda::DeviceCount() > 0) return std::make_shared<model::cuda::Context>(0);
  state.SkipWithError("no CUDA device");
  return nullptr;
}

// An iteration is kWorks times `work`, then a wait: what a host that runs ahead sees. Its time is
// that of one work.
constexpr int kWorks = 10;

template <typename Work>
void TimeOnDevice(benchmark::State& state, const model::cuda::Context& context, const Work& work) {
  work();
  context.Wait();
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    for (int k = 0; k < kWorks; ++k) work();
    context.Wait();
    state.SetIterationTime(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / kWorks);
  }
}

// `amount` of one work a second.
inline void Rate(benchmark::State& state, const char* name, double amount) {
  state.counters[name] = benchmark::Counter(amount, benchmark::Counter::kIsIterationInvariantRate);
}

}  // namespace unlasting::bench
