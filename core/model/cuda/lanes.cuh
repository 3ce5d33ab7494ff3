// lanes.cuh sums, loads and stores one node's embedding that a group of 4 to 32 lanes holds
// together.
//
// kLanes lanes hold kQuads times four numbers each; number 4 (q kLanes + lane) + c of the embedding
// is v[4 q + c]. All lanes of a warp must take part in each call that exchanges numbers: kernels
// keep warps together, and groups that have nothing to do go along. (A mask of one group alone
// would have the compiler guard every exchange with a dozen instructions.)
#pragma once

#include "core/model/cuda/arguments.h"

namespace unlasting::model::cuda {

template <int kLanes>
__device__ __forceinline__ int LaneOf() {
  return static_cast<int>(threadIdx.x) % kLanes;
}

constexpr unsigned kWholeWarp = 0xffffffffu;

template <int kLanes, typename T>
__device__ __forceinline__ T GroupSum(T v) {
#pragma unroll
  for (int offset = kLanes / 2; offset > 0; offset /= 2)
    v += __shfl_xor_sync(kWholeWarp, v, offset);
  return v;
}

// Of the lanes that have one place in the groups of a warp.
template <int kLanes, typename T>
__device__ __forceinline__ T SumOfGroups(T v) {
#pragma unroll
  for (int offset = kLanes; offset < 32; offset *= 2) v += __shfl_xor_sync(kWholeWarp, v, offset);
  return v;
}

// Four sums at once: lane l has the sum of s[l % 4]. Three exchanges where one by one takes eight.
template <int kLanes, typename T>
__device__ __forceinline__ T GroupSumsOfFour(int lane, const T (&s)[4]) {
  const bool odd = (lane & 1) != 0, high = (lane & 2) != 0;
  T first = odd ? s[1] : s[0], second = odd ? s[3] : s[2];
  first += __shfl_xor_sync(kWholeWarp, odd ? s[0] : s[1], 1);
  second += __shfl_xor_sync(kWholeWarp, odd ? s[2] : s[3], 1);
  T sum = high ? second : first;
  sum += __shfl_xor_sync(kWholeWarp, high ? first : second, 2);
#pragma unroll
  for (int offset = 4; offset < kLanes; offset *= 2)
    sum += __shfl_xor_sync(kWholeWarp, sum, offset);
  return sum;
}

// Largest over lanes l, l ^ 1, l ^ 2, l ^ 3: over the four that GroupSumsOfFour left there.
template <typename T>
__device__ __forceinline__ T LargestOfFour(T v) {
  v = fmax(v, __shfl_xor_sync(kWholeWarp, v, 1));
  return fmax(v, __shfl_xor_sync(kWholeWarp, v, 2));
}
template <typename T>
__device__ __forceinline__ T SumOfFour(T v) {
  v += __shfl_xor_sync(kWholeWarp, v, 1);
  return v + __shfl_xor_sync(kWholeWarp, v, 2);
}

// The largest of the warp's groups' counts; the same within a group.
template <int kLanes>
__device__ __forceinline__ int32_t LargestOfGroups(int32_t count) {
#pragma unroll
  for (int offset = kLanes; offset < 32; offset *= 2) {
    count = max(count, __shfl_xor_sync(kWholeWarp, count, offset));
  }
  return count;
}

__device__ __forceinline__ void LoadFour(const float* p, float* v) {
  const float4 four = *reinterpret_cast<const float4*>(p);
  v[0] = four.x;
  v[1] = four.y;
  v[2] = four.z;
  v[3] = four.w;
}
__device__ __forceinline__ void LoadFour(const double* p, double* v) {
  const double2 low = reinterpret_cast<const double2*>(p)[0];
  const double2 high = reinterpret_cast<const double2*>(p)[1];
  v[0] = low.x;
  v[1] = low.y;
  v[2] = high.x;
  v[3] = high.y;
}
__device__ __forceinline__ void LoadFour(const BFloat16* p, float* v) {
  const uint2 four = *reinterpret_cast<const uint2*>(p);
  v[0] = __uint_as_float(four.x << 16);
  v[1] = __uint_as_float(four.x & 0xffff0000u);
  v[2] = __uint_as_float(four.y << 16);
  v[3] = __uint_as_float(four.y & 0xffff0000u);
}

// 2^v, to about two units in the last place; below 2^-126 it is 0.
__device__ __forceinline__ float PowerOfTwo(float v) {
#if defined(__CUDACC__)
  float power;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(power) : "f"(v));
  return power;
#else
  return exp2f(v);
#endif
}

// A word holds two bfloat16 numbers, the first in its low half.
__device__ __forceinline__ float LowHalf(unsigned word) { return __uint_as_float(word << 16); }
__device__ __forceinline__ float HighHalf(unsigned word) {
  return __uint_as_float(word & 0xffff0000u);
}
__device__ __forceinline__ void LoadWords(const BFloat16* p, unsigned* words) {
  const uint4 four = *reinterpret_cast<const uint4*>(p);
  words[0] = four.x;
  words[1] = four.y;
  words[2] = four.z;
  words[3] = four.w;
}
// To the nearest, ties to even; NaN stays NaN.
__device__ __forceinline__ unsigned ToBFloat16(float v) {
  const unsigned bits = __float_as_uint(v);
  if (v != v) return 0x7fc0u;
  return (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
}
__device__ __forceinline__ unsigned PackHalves(float low, float high) {
#if defined(__CUDACC__)
  unsigned word;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(high), "f"(low));
  return word;
#else
  return ToBFloat16(low) | ToBFloat16(high) << 16;
#endif
}
// The larger of each half.
__device__ __forceinline__ unsigned LargerHalves(unsigned a, unsigned b) {
#if defined(__CUDACC__)
  unsigned word;
  asm("max.bf16x2 %0, %1, %2;" : "=r"(word) : "r"(a), "r"(b));
  return word;
#else
  return PackHalves(fmaxf(LowHalf(a), LowHalf(b)), fmaxf(HighHalf(a), HighHalf(b)));
#endif
}

// a b + c of each half, rounded to bfloat16.
__device__ __forceinline__ unsigned MultiplyAddHalves(unsigned a, unsigned b, unsigned c) {
#if defined(__CUDACC__)
  unsigned word;
  asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(word) : "r"(a), "r"(b), "r"(c));
  return word;
#else
  return PackHalves(fmaf(LowHalf(a), LowHalf(b), LowHalf(c)),
                    fmaf(HighHalf(a), HighHalf(b), HighHalf(c)));
#endif
}

__device__ __forceinline__ void StoreFour(float* p, const float* v) {
  *reinterpret_cast<float4*>(p) = make_float4(v[0], v[1], v[2], v[3]);
}
__device__ __forceinline__ void StoreFour(BFloat16* p, const float* v) {
  *reinterpret_cast<uint2*>(p) = make_uint2(ToBFloat16(v[0]) | ToBFloat16(v[1]) << 16,
                                            ToBFloat16(v[2]) | ToBFloat16(v[3]) << 16);
}

template <int kLanes, int kQuads, typename F>
__device__ __forceinline__ void LoadNode(const F* node, int lane, float* v) {
#pragma unroll
  for (int q = 0; q < kQuads; ++q) LoadFour(node + 4 * (q * kLanes + lane), v + 4 * q);
}
template <int kLanes, int kQuads, typename F>
__device__ __forceinline__ void StoreNode(F* node, int lane, const float* v) {
#pragma unroll
  for (int q = 0; q < kQuads; ++q) StoreFour(node + 4 * (q * kLanes + lane), v + 4 * q);
}

__device__ __forceinline__ float SiluOf(float v) { return v / (1.0f + expf(-v)); }

}  // namespace unlasting::model::cuda
