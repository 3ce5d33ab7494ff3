// start.cuh starts kernels; the tests put a machine without a device behind the same call.
#pragma once

#include "core/model/cuda/runtime.h"

namespace unlasting::model::cuda {

constexpr int kThreads = 256;

inline unsigned Blocks(int64_t count, int64_t in_block) {
  return static_cast<unsigned>((count + in_block - 1) / in_block);
}

template <typename... P, typename... A>
void Start(void (*kernel)(P...), dim3 grid, int threads, cudaStream_t stream,
           const A&... arguments) {
#if defined(__CUDACC__)
  kernel<<<grid, threads, 0, stream>>>(static_cast<P>(arguments)...);
  Check(cudaGetLastError(), "kernel");
#else
  host_cuda::Start(kernel, grid, threads, static_cast<P>(arguments)...);
#endif
}

}  // namespace unlasting::model::cuda
