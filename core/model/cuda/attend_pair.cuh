// attend_pair.cuh computes what attend.cuh does for two heads at once, each in half of the group's
// lanes, which hold eight numbers. With both heads in the same lanes the registers would leave room
// for a quarter of the warps.
#pragma once

#include <type_traits>

#include "core/model/cuda/attend.cuh"

namespace unlasting::model::cuda {

constexpr int kPairThreads = 128;

// Quad `quad` of the eight numbers that lane `slot` of a half has: its number in the embedding.
// Each load takes 16 bytes.
template <typename F, int kHalf>
__device__ __forceinline__ int QuadOf(int slot, int quad) {
  return sizeof(F) == 2 ? 2 * slot + quad : quad * kHalf + slot;
}
template <int kHalf>
__device__ __forceinline__ void LoadEight(const float* first, Source<8>* l) {
  LoadFour(first, l->of);
  LoadFour(first + 4 * kHalf, l->of + 4);
}
template <int kHalf>
__device__ __forceinline__ void LoadEight(const BFloat16* first, PackedSource* l) {
  LoadWords(first, l->of);
}

// Quad `quad` of what a lane knows of its target: `right` comes with the source's own loads.
__device__ __forceinline__ void SetQuad(const Source<8>& right, const float* bias,
                                        const float* near, const float* far, int quad,
                                        Target<8>* target) {
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    target->right_negated[4 * quad + k] = -(right.of[4 * quad + k] + bias[k]);
    target->near[4 * quad + k] = near[k];
    target->far[4 * quad + k] = far[k];
  }
}
__device__ __forceinline__ void SetQuad(const PackedSource& right, const float* bias,
                                        const float* near, const float* far, int quad,
                                        PackedTarget* target) {
#pragma unroll
  for (int k = 0; k < 2; ++k) {
    const int w = 2 * quad + k;
    target->right_negated[w] = PackHalves(-(LowHalf(right.of[w]) + bias[2 * k]),
                                          -(HighHalf(right.of[w]) + bias[2 * k + 1]));
    target->near[w] = PackHalves(near[2 * k], near[2 * k + 1]);
    target->far[w] = PackHalves(far[2 * k], far[2 * k + 1]);
  }
}

// For even numbers of heads and kLanes of 8 or more. Long because its arrays live in registers,
// which no call may come between.
template <typename F, int kLanes>
__global__ void UNLASTING_BLOCKS(kPairThreads, sizeof(F) == 2 ? 6 : 4)
    AttendPairKernel(AttendArguments in) {
  constexpr bool kPacked = sizeof(F) == 2;
  using S = std::conditional_t<kPacked, PackedSource, Source<8>>;
  using T = std::conditional_t<kPacked, PackedTarget, Target<8>>;
  constexpr int kDim = 4 * kLanes, kHalf = kLanes / 2;
  const int lane = LaneOf<kLanes>(), half = lane / kHalf, slot = lane % kHalf;
  const int32_t group =
      static_cast<int32_t>(blockIdx.x * (kPairThreads / kLanes) + threadIdx.x / kLanes);
  const int32_t node = min(group, in.nodes - 1);
  const int64_t row = blockIdx.y;
  const int64_t stride = int64_t{2} * in.heads * kDim;
  const F* cell = static_cast<const F*>(in.features) + row * in.nodes * stride;
  const int32_t begin = in.indptr[node], end = in.indptr[node + 1];
  const int32_t rounds = LargestOfGroups<kLanes>(end - begin + 3) / 4;
  const int place = QuadOf<F, kHalf>(slot, half);
  float out[4];
  StartTarget<kLanes, 1>(in, row, node, end > begin, place, out);
  for (int32_t first = 0; first < in.heads && rounds > 0; first += 2) {
    const int64_t at = static_cast<int64_t>(first + half) * kDim;
    T head;
    Begin(&head);
    S right;
    const F* first_left = cell + at + slot * (16 / static_cast<int>(sizeof(F)));
    LoadEight<kHalf>(first_left + node * stride + stride / 2, &right);
#pragma unroll
    for (int q = 0; q < 2; ++q) {
      const int64_t number = at + 4 * QuadOf<F, kHalf>(slot, q);
      float bias[4], near[4], far[4];
      LoadFour(in.right_bias + number, bias);
      LoadFour(in.attention_left + number, near);
      LoadFour(in.attention_scaled + number, far);
      SetQuad(right, bias, near, far, q, &head);
    }
    // Sources are looked up one round ahead; behind the last one it is repeated, and weighs
    // nothing.
    // Bytes, and not signed: one instruction then makes an address of a source.
    const auto* left = reinterpret_cast<const char*>(first_left);
    const auto bytes = static_cast<uint32_t>(stride * sizeof(F));
    uint32_t sources[4];
    const auto look_up = [&](int32_t edge) {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        sources[e] = static_cast<uint32_t>(in.sources[max(min(edge + e, end - 1), 0)]);
      }
    };
    look_up(begin);
    for (int32_t round = 0; round < rounds; ++round) {
      const int32_t edge = begin + 4 * round;
      S l[4];
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const char* source = left + static_cast<uint64_t>(sources[e]) * bytes;
        LoadEight<kHalf>(reinterpret_cast<const F*>(source), &l[e]);
      }
      look_up(edge + 4);
      TakeFour<kHalf>(l, end - edge, lane, &head);
    }
    const float share = ShareOf(head.total, in.heads, end > begin);
    // Each half keeps one of the two quads and gives the other.
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      const float low = head.sum[k] * share, high = head.sum[4 + k] * share;
      out[k] += half == 0 ? low : high;
      out[k] += __shfl_xor_sync(kWholeWarp, half == 0 ? high : low, kHalf);
    }
  }
  PassOn<F, kLanes, 1>(in.next, row, node, in.nodes, in.true_dim, group == node, place, out);
}

}  // namespace unlasting::model::cuda
