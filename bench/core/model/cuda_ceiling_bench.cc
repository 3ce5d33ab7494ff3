// What the device can do at best: copies that no cache holds, copies within the second-level cache,
// and large matrix products. Shares of these are what cuda_bench's other figures mean.
#include <benchmark/benchmark.h>

#include "bench/core/model/cuda_timing.h"
#include "core/model/cuda/gemm.h"

namespace unlasting::bench {
namespace {

using model::cuda::BFloat16;
using model::cuda::DeviceArray;
using model::cuda::Gemm;
using model::cuda::Product;

// Bytes read and written.
void Copy(benchmark::State& state) {
  const auto context = DeviceOrSkip(state);
  if (context == nullptr) return;
  const int64_t bytes = state.range(0);
  const DeviceArray<char> from(bytes), to(bytes);
  TimeOnDevice(state, *context, [&] {
    model::cuda::Check(
        cudaMemcpyAsync(to.data(), from.data(), bytes, cudaMemcpyDeviceToDevice, context->stream()),
        "copy");
  });
  Rate(state, "gigabytes_per_s", 2e-9 * static_cast<double>(bytes));
}

template <typename T>
void Multiply(benchmark::State& state, bool tf32) {
  const auto context = DeviceOrSkip(state);
  if (context == nullptr) return;
  const int64_t n = 8192;
  const Gemm gemm(*context);
  const DeviceArray<T> a(n * n), b(n * n), c(n * n);
  Product<T> product;
  product.a = a.data();
  product.b = b.data();
  product.c = c.data();
  product.a_stride = product.b_stride = product.c_stride = n;
  product.rows = product.depth = product.columns = n;
  TimeOnDevice(state, *context, [&] {
    if constexpr (std::is_same_v<T, float>) {
      gemm.Multiply(product, tf32);
    } else {
      gemm.Multiply(product);
    }
  });
  Rate(state, "teraflops", 2e-12 * static_cast<double>(n) * n * n);
}
void LargeProductFloat32(benchmark::State& state) { Multiply<float>(state, false); }
void LargeProductTf32(benchmark::State& state) { Multiply<float>(state, true); }
void LargeProductBf16(benchmark::State& state) { Multiply<BFloat16>(state, true); }

BENCHMARK(Copy)->Arg(int64_t{2} << 30)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(Copy)->Arg(int64_t{8} << 20)->UseManualTime()->Unit(benchmark::kMicrosecond);
BENCHMARK(LargeProductFloat32)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(LargeProductTf32)->UseManualTime()->Unit(benchmark::kMillisecond);
BENCHMARK(LargeProductBf16)->UseManualTime()->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace unlasting::bench
