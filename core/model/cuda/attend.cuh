// attend.cuh computes GATv2 (eq 11) of one layer for every target of every cell of a batch, in one
// pass over the edges.
//
// A group of lanes takes a target: four sources at a time come into its registers, are scored,
// weighed against a running maximum and summed, so that each source is read once per target. Sums
// are float32. A target's result does not depend on the grid.
//
// With R_i = right_i + both biases, leaky(l + R) = 0.2 l + 0.8 max(l, -R) up to a term that is the
// same for all sources of i and so unseen by the softmax.
#pragma once

#include <cmath>

#include "core/model/cuda/node_inputs.cuh"

namespace unlasting::model::cuda {

// A target's state for kHeads heads at once.
template <int kHeads, int kQuads>
struct Running {
  float sum[kHeads][4 * kQuads];
  float peak[kHeads];   // the same in all lanes
  float total[kHeads];  // of the sources that this lane weighs: numbers lane % 4 of each four
};

// Long because its arrays live in registers, which no call may come between.
template <typename F, int kLanes, int kQuads, int kHeads>
__device__ __forceinline__ void AttendHeads(const AttendArguments& in, const F* left, int32_t begin,
                                            int32_t end, int32_t head, const F* right,
                                            unsigned mask, int lane, float* out) {
  constexpr int kDim = 4 * kLanes * kQuads, kOwn = 4 * kQuads;
  const int64_t stride = int64_t{2} * in.heads * kDim;
  float right_negated[kHeads][kOwn], near[kHeads][kOwn], far[kHeads][kOwn];
  Running<kHeads, kQuads> state;
#pragma unroll
  for (int h = 0; h < kHeads; ++h) {
    const int64_t row = static_cast<int64_t>(head + h) * kDim;
    float bias[kOwn];
    LoadNode<kLanes, kQuads>(right + row, lane, right_negated[h]);
    LoadNode<kLanes, kQuads>(in.right_bias + row, lane, bias);
    LoadNode<kLanes, kQuads>(in.attention_left + row, lane, near[h]);
    LoadNode<kLanes, kQuads>(in.attention_scaled + row, lane, far[h]);
#pragma unroll
    for (int k = 0; k < kOwn; ++k) {
      right_negated[h][k] = -(right_negated[h][k] + bias[k]);
      state.sum[h][k] = 0;
    }
    state.peak[h] = -INFINITY;
    state.total[h] = 0;
  }
  for (int32_t edge = begin; edge < end; edge += 4) {
    float l[4][kHeads][kOwn];
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      // Behind the last source it is repeated, and weighs nothing.
      const int32_t source = in.sources[min(edge + e, end - 1)];
#pragma unroll
      for (int h = 0; h < kHeads; ++h) {
        LoadNode<kLanes, kQuads>(left + source * stride + static_cast<int64_t>(head + h) * kDim,
                                 lane, l[e][h]);
      }
    }
#pragma unroll
    for (int h = 0; h < kHeads; ++h) {
      float partial[4];
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        partial[e] = 0;
#pragma unroll
        for (int k = 0; k < kOwn; ++k) {
          partial[e] += near[h][k] * l[e][h][k];
          partial[e] += far[h][k] * fmaxf(l[e][h][k], right_negated[h][k]);
        }
      }
      float score = GroupSumsOfFour<kLanes>(mask, lane, partial);
      if (edge + (lane & 3) >= end) score = -INFINITY;
      const float peak = fmaxf(state.peak[h], LargestOfFour(mask, score));
      const float fade = __expf(state.peak[h] - peak);
      const float weight = __expf(score - peak);
      state.peak[h] = peak;
      state.total[h] = state.total[h] * fade + weight;
      float weights[4];
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        weights[e] = __shfl_sync(mask, weight, (lane & ~3) | e, kLanes);
      }
#pragma unroll
      for (int k = 0; k < kOwn; ++k) {
        float sum = state.sum[h][k] * fade;
#pragma unroll
        for (int e = 0; e < 4; ++e) sum += weights[e] * l[e][h][k];
        state.sum[h][k] = sum;
      }
    }
  }
#pragma unroll
  for (int h = 0; h < kHeads; ++h) {
    const float share = 1.0f / (SumOfFour(mask, state.total[h]) * static_cast<float>(in.heads));
#pragma unroll
    for (int k = 0; k < kOwn; ++k) out[k] += state.sum[h][k] * share;
  }
}

// kHeads heads go together; the number of heads is a multiple of it. blockIdx.y is the row: blocks
// that run at one time work on few cells, whose features then stay in the second-level cache.
template <typename F, int kLanes, int kQuads, int kHeads>
__global__ void AttendKernel(AttendArguments in) {
  constexpr int kDim = 4 * kLanes * kQuads, kOwn = 4 * kQuads;
  const int lane = LaneOf<kLanes>();
  const unsigned mask = MaskOf<kLanes>();
  const int32_t node =
      static_cast<int32_t>(blockIdx.x * (blockDim.x / kLanes) + threadIdx.x / kLanes);
  if (node >= in.nodes) return;
  const int64_t row = blockIdx.y;
  const int64_t stride = int64_t{2} * in.heads * kDim;
  const F* left = static_cast<const F*>(in.features) + row * in.nodes * stride;
  const F* right = left + node * stride + stride / 2;
  const int32_t begin = in.indptr[node], end = in.indptr[node + 1];
  float out[kOwn];
  LoadNode<kLanes, kQuads>(end > begin ? in.bias_with_edges : in.bias, lane, out);
  if (in.residual != nullptr) {
    float before[kOwn];
    LoadNode<kLanes, kQuads>(in.residual + (row * in.nodes + node) * kDim, lane, before);
#pragma unroll
    for (int k = 0; k < kOwn; ++k) out[k] += before[k];
  }
  for (int32_t head = 0; head < in.heads && end > begin; head += kHeads) {
    AttendHeads<F, kLanes, kQuads, kHeads>(in, left, begin, end, head, right, mask, lane, out);
  }
  PassOn<F, kLanes, kQuads>(in.next, row, node, in.nodes, in.true_dim, mask, lane, out);
}

}  // namespace unlasting::model::cuda
