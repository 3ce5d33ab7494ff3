// A CUDA device that is this processor: kernels and the code around them run unchanged, slowly, and
// are tested where there is no device.
//
// A block's threads are fibers; a shuffle lets the others catch up. What would be undefined on a
// device stops the program with a word: a shuffle whose mask names a lane that does not come, or a
// source outside of it. Stream work runs at once; while a stream captures it is put down for the
// graph and not run, as on a device.
#pragma once

#include <math.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <tuple>

#define __global__ static
#define __device__
#define __host__
#define __forceinline__ inline

struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(16) double2 {
  double x, y;
};
struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  dim3(unsigned x, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline uint2 make_uint2(unsigned x, unsigned y) { return {x, y}; }

namespace unlasting::model::host_cuda {

struct Place {
  unsigned x = 0, y = 0, z = 0;
};
extern Place thread_place, block_place, block_size;

// What every lane of `mask` put in, once all have.
const uint64_t* Exchange(unsigned mask, uint64_t value);
int SourceIn(unsigned mask, int lane);  // `lane`, or the end of the program

void RunGrid(dim3 grid, int threads, const std::function<void()>& thread);
// Runs the work, or puts it down for the graph under capture.
void Do(std::function<void()> work);

template <typename... P, typename... A>
void Start(void (*kernel)(P...), dim3 grid, int threads, A... arguments) {
  Do([=] { RunGrid(grid, threads, [&] { kernel(arguments...); }); });
}

template <typename T>
T Shuffle(unsigned mask, T value, int source) {
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(value));
  const uint64_t there = Exchange(mask, bits)[SourceIn(mask, source)];
  std::memcpy(&value, &there, sizeof(value));
  return value;
}

}  // namespace unlasting::model::host_cuda

namespace unlasting::model::cuda {
namespace host_cuda = unlasting::model::host_cuda;
}

#define threadIdx (unlasting::model::host_cuda::thread_place)
#define blockIdx (unlasting::model::host_cuda::block_place)
#define blockDim (unlasting::model::host_cuda::block_size)

template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int with) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  return unlasting::model::host_cuda::Shuffle(mask, value, lane ^ with);
}
template <typename T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  return unlasting::model::host_cuda::Shuffle(mask, value, lane / width * width + source % width);
}
inline void __syncwarp() { unlasting::model::host_cuda::Exchange(0xffffffffu, 0); }

inline float __uint_as_float(unsigned bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}
inline unsigned __float_as_uint(float value) {
  unsigned bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}
using std::max;
using std::min;
