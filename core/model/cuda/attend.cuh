// attend.cuh computes GATv2 (eq 11) of one layer for every target of every cell of a batch, in one
// pass over the edges.
//
// A group of lanes takes a target: four sources at a time come into its registers, are scored,
// weighed against a running maximum and summed, so that each source is read once per target. Sums
// are float32, but for bfloat16 features a lane's part of a score, eight numbers' of which pairs
// are taken at once. A target's result depends neither on the grid nor on the other groups of its
// warp, which go through as many rounds as the one with the most sources.
//
// With R_i = right_i + both biases, leaky(l + R) = 0.2 l + 0.8 max(l, -R) up to a term that is the
// same for all sources of i and so unseen by the softmax. Scores are in units of ln 2: weights are
// then powers of two.
#pragma once

#include <cmath>

#include "core/model/cuda/node_inputs.cuh"

namespace unlasting::model::cuda {

// Where a running maximum starts: below every score, and finite, so that it may be subtracted from
// itself.
constexpr float kNoPeak = -3e38f;

// kOwn numbers that a lane has of one head of a source.
template <int kOwn>
struct Source {
  float of[kOwn];
};
// And of a target: of the right side, of the attention, of the sum.
template <int kOwn>
struct Target {
  float right_negated[kOwn], near[kOwn], far[kOwn];
  float sum[kOwn];
  float peak;   // the same in all lanes of the head
  float total;  // of the sources that this lane weighs: numbers lane % 4 of each four
};
// Eight numbers as four words of two.
struct PackedSource {
  unsigned of[4];
};
struct PackedTarget {
  unsigned right_negated[4], near[4], far[4];
  float sum[8];
  float peak, total;
};

template <typename T>
__device__ __forceinline__ void Begin(T* target) {
#pragma unroll
  for (float& sum : target->sum) sum = 0;
  target->peak = kNoPeak;
  target->total = 0;
}

// This lane's part of a source's score.
template <int kOwn>
__device__ __forceinline__ float PartOfScore(const Target<kOwn>& target, const Source<kOwn>& l) {
  float part = 0;
#pragma unroll
  for (int k = 0; k < kOwn; ++k) {
    part += target.near[k] * l.of[k];
    part += target.far[k] * fmaxf(l.of[k], target.right_negated[k]);
  }
  return part;
}
__device__ __forceinline__ float PartOfScore(const PackedTarget& target, const PackedSource& l) {
  unsigned sums = 0;
#pragma unroll
  for (int w = 0; w < 4; ++w) sums = MultiplyAddHalves(target.near[w], l.of[w], sums);
#pragma unroll
  for (int w = 0; w < 4; ++w) {
    sums = MultiplyAddHalves(target.far[w], LargerHalves(l.of[w], target.right_negated[w]), sums);
  }
  return LowHalf(sums) + HighHalf(sums);
}

// sum <- fade sum + the four sources, weighed.
template <int kOwn>
__device__ __forceinline__ void Weigh(const Source<kOwn> (&l)[4], const float (&weights)[4],
                                      float fade, Target<kOwn>* target) {
#pragma unroll
  for (int k = 0; k < kOwn; ++k) {
    float sum = target->sum[k] * fade;
#pragma unroll
    for (int e = 0; e < 4; ++e) sum += weights[e] * l[e].of[k];
    target->sum[k] = sum;
  }
}
__device__ __forceinline__ void Weigh(const PackedSource (&l)[4], const float (&weights)[4],
                                      float fade, PackedTarget* target) {
#pragma unroll
  for (int w = 0; w < 4; ++w) {
    float low = target->sum[2 * w] * fade, high = target->sum[2 * w + 1] * fade;
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      low += weights[e] * LowHalf(l[e].of[w]);
      high += weights[e] * HighHalf(l[e].of[w]);
    }
    target->sum[2 * w] = low;
    target->sum[2 * w + 1] = high;
  }
}

// Takes four sources in; `left_over` of them, if fewer than four, weigh something. The head's
// numbers lie in kLanes lanes.
template <int kLanes, typename S, typename T>
__device__ __forceinline__ void TakeFour(const S (&l)[4], int32_t left_over, int lane, T* target) {
  float partial[4];
#pragma unroll
  for (int e = 0; e < 4; ++e) partial[e] = PartOfScore(*target, l[e]);
  float score = GroupSumsOfFour<kLanes>(lane, partial);
  if ((lane & 3) >= left_over) score = -INFINITY;
  const float peak = fmaxf(target->peak, LargestOfFour(score));
  const float fade = PowerOfTwo(target->peak - peak);
  const float weight = PowerOfTwo(score - peak);
  target->peak = peak;
  target->total = target->total * fade + weight;
  float weights[4];
#pragma unroll
  for (int e = 0; e < 4; ++e) {
    weights[e] = __shfl_sync(kWholeWarp, weight, e, 4);
  }
  Weigh(l, weights, fade, target);
}

// 1 / (heads total), or 0 where there is no source.
__device__ __forceinline__ float ShareOf(float total, int32_t heads, bool any) {
  const float all = SumOfFour(total) * static_cast<float>(heads);
  return any ? 1.0f / all : 0.0f;
}

// What a target starts from: the bias, and its embedding before the layer.
template <int kLanes, int kQuads>
__device__ __forceinline__ void StartTarget(const AttendArguments& in, int64_t row, int32_t node,
                                            bool any, int place, float* out) {
  constexpr int kDim = 4 * kLanes * kQuads, kOwn = 4 * kQuads;
  LoadNode<kLanes, kQuads>(any ? in.bias_with_edges : in.bias, place, out);
  if (in.residual == nullptr) return;
  float before[kOwn];
  LoadNode<kLanes, kQuads>(in.residual + (row * in.nodes + node) * kDim, place, before);
#pragma unroll
  for (int k = 0; k < kOwn; ++k) out[k] += before[k];
}

// One head after the other, for any number of heads. blockIdx.y is the row: blocks that run at one
// time work on few cells, whose features then stay in the second-level cache.
template <typename F, int kLanes, int kQuads>
__global__ void AttendKernel(AttendArguments in) {
  constexpr int kDim = 4 * kLanes * kQuads, kOwn = 4 * kQuads;
  const int lane = LaneOf<kLanes>();
  const int32_t group =
      static_cast<int32_t>(blockIdx.x * (blockDim.x / kLanes) + threadIdx.x / kLanes);
  const int32_t node = min(group, in.nodes - 1);
  const int64_t row = blockIdx.y;
  const int64_t stride = int64_t{2} * in.heads * kDim;
  const F* left = static_cast<const F*>(in.features) + row * in.nodes * stride;
  const F* right = left + node * stride + stride / 2;
  const int32_t begin = in.indptr[node], end = in.indptr[node + 1];
  const int32_t rounds = LargestOfGroups<kLanes>(end - begin + 3) / 4;
  float out[kOwn];
  StartTarget<kLanes, kQuads>(in, row, node, end > begin, lane, out);
  for (int32_t h = 0; h < in.heads && rounds > 0; ++h) {
    const int64_t at = static_cast<int64_t>(h) * kDim;
    Target<kOwn> head;
    Begin(&head);
    float bias[kOwn];
    LoadNode<kLanes, kQuads>(right + at, lane, head.right_negated);
    LoadNode<kLanes, kQuads>(in.right_bias + at, lane, bias);
    LoadNode<kLanes, kQuads>(in.attention_left + at, lane, head.near);
    LoadNode<kLanes, kQuads>(in.attention_scaled + at, lane, head.far);
#pragma unroll
    for (int k = 0; k < kOwn; ++k) head.right_negated[k] = -(head.right_negated[k] + bias[k]);
    for (int32_t round = 0; round < rounds; ++round) {
      const int32_t edge = begin + 4 * round;
      Source<kOwn> l[4];
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        // Behind the last source it is repeated, and weighs nothing.
        const int32_t source = in.sources[max(min(edge + e, end - 1), 0)];
        LoadNode<kLanes, kQuads>(left + source * stride + at, lane, l[e].of);
      }
      TakeFour<kLanes>(l, end - edge, lane, &head);
    }
    const float share = ShareOf(head.total, in.heads, end > begin);
#pragma unroll
    for (int k = 0; k < kOwn; ++k) out[k] += head.sum[k] * share;
  }
  PassOn<F, kLanes, kQuads>(in.next, row, node, in.nodes, in.true_dim, group == node, lane, out);
}

}  // namespace unlasting::model::cuda
