// attention_kernels.cuh gives each target (or source) of a cell a group of lanes, which hold its
// numbers as lanes.cuh says and take four edges at a time. A group without edges left goes along
// with its warp's others.
#pragma once

#include <cmath>

#include "core/model/cuda/attention_kernels.h"
#include "core/model/cuda/lanes.cuh"

namespace unlasting::model::cuda {

constexpr int kAttentionThreads = 128;
constexpr int kWarpsOfBlock = kAttentionThreads / 32;
// Targets of a block in the backward pass; each warp sums its own part of the attention's gradient.
constexpr int64_t kTargetsOfBlock = 64;

// A row of `dim` numbers; beyond them `v` is 0. Rows of whole quads are aligned as LoadFour needs.
template <int kLanes, int kQuads, typename T>
__device__ __forceinline__ void LoadRow(const T* row, int64_t dim, int lane, T* v) {
  const bool whole = dim % 4 == 0;
#pragma unroll
  for (int q = 0; q < kQuads; ++q) {
    const int at = 4 * (q * kLanes + lane);
    if (whole && at < dim) {
      LoadFour(row + at, v + 4 * q);
    } else {
#pragma unroll
      for (int k = 0; k < 4; ++k) v[4 * q + k] = at + k < dim ? row[at + k] : T{0};
    }
  }
}
template <int kLanes, int kQuads, typename T>
__device__ __forceinline__ void StoreRow(T* row, int64_t dim, int lane, const T* v) {
#pragma unroll
  for (int k = 0; k < 4 * kQuads; ++k) {
    const int at = 4 * (k / 4 * kLanes + lane) + k % 4;
    if (at < dim) row[at] = v[k];
  }
}

template <typename T>
__device__ __forceinline__ T Slope(T z) {
  return z > 0 ? T{1} : static_cast<T>(0.2);
}

// Of four edges, this lane's part of each score a . leaky(l + r).
template <int kOwn, typename T>
__device__ __forceinline__ void PartsOfScores(const T (&l)[4][kOwn], const T* right,
                                              const T* attention, T (&parts)[4]) {
#pragma unroll
  for (int e = 0; e < 4; ++e) {
    parts[e] = 0;
#pragma unroll
    for (int k = 0; k < kOwn; ++k) {
      const T z = l[e][k] + right[k];
      parts[e] += attention[k] * (z * Slope(z));
    }
  }
}

// The softmax of a target's scores so far, four more at a time; lane l knows those of edge l % 4.
template <typename T>
struct RunningSoftmax {
  T peak = static_cast<T>(-3e38);  // of all edges; finite, so that it may be subtracted from itself
  T total = 0;                     // of this lane's edges

  // Takes one score of each four in, -INFINITY where there is none. What was summed with the
  // weights before is to be multiplied by `fade`; the score's weight is returned.
  __device__ __forceinline__ T Take(T score, T* fade) {
    const T higher = fmax(peak, LargestOfFour(score));
    *fade = exp(peak - higher);
    const T weight = exp(score - higher);
    peak = higher;
    total = total * *fade + weight;
    return weight;
  }
};

// The edges of a target, or of a source, four at a time.
struct EdgeRange {
  int64_t begin, end;
  int32_t rounds;  // of the group of this warp that has the most

  template <int kLanes>
  static __device__ __forceinline__ EdgeRange Of(const int64_t* indptr, int64_t node, bool valid) {
    EdgeRange range;
    range.begin = indptr[node];
    range.end = valid ? indptr[node + 1] : range.begin;
    range.rounds = LargestOfGroups<kLanes>(static_cast<int32_t>((range.end - range.begin + 3) / 4));
    return range;
  }
  // Edge `e` of a round; an edge of another node, to be given no weight, where there is none.
  __device__ __forceinline__ int64_t Edge(int32_t round, int e) const {
    return max(min(begin + 4 * round + e, end - 1), int64_t{0});
  }
  __device__ __forceinline__ bool Has(int32_t round, int e) const {
    return begin + 4 * round + e < end;
  }
};

template <typename T, int kLanes, int kQuads>
__global__ void AttentionForwardKernel(AttentionProblem<T> in, int64_t blocks_of_cell, T* out) {
  constexpr int kOwn = 4 * kQuads, kGroups = kAttentionThreads / kLanes;
  const int lane = LaneOf<kLanes>();
  const int64_t cell = blockIdx.x / blocks_of_cell;
  const int64_t group = blockIdx.x % blocks_of_cell * kGroups + threadIdx.x / kLanes;
  const int64_t target = min(group, in.nodes - 1), row = cell * in.nodes + target;
  const int64_t stride = in.heads * in.dim;
  const EdgeRange edges = EdgeRange::Of<kLanes>(in.indptr, target, group == target);
  T sum[kOwn] = {};
  for (int64_t head = 0; head < in.heads && edges.rounds > 0; ++head) {
    const T* left = in.left + cell * in.nodes * stride + head * in.dim;
    T attention[kOwn], right[kOwn], own[kOwn] = {};
    LoadRow<kLanes, kQuads>(in.attention + head * in.dim, in.dim, lane, attention);
    LoadRow<kLanes, kQuads>(in.right + row * stride + head * in.dim, in.dim, lane, right);
    RunningSoftmax<T> softmax;
    for (int32_t round = 0; round < edges.rounds; ++round) {
      T l[4][kOwn], parts[4], fade;
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const int64_t source = in.sources[edges.Edge(round, e)];
        LoadRow<kLanes, kQuads>(left + source * stride, in.dim, lane, l[e]);
      }
      PartsOfScores<kOwn>(l, right, attention, parts);
      T score = GroupSumsOfFour<kLanes>(lane, parts);
      if (!edges.Has(round, lane & 3)) score = -static_cast<T>(INFINITY);
      const T weight = softmax.Take(score, &fade);
#pragma unroll
      for (int k = 0; k < kOwn; ++k) own[k] *= fade;
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const T of_edge = __shfl_sync(kWholeWarp, weight, e, 4);
#pragma unroll
        for (int k = 0; k < kOwn; ++k) own[k] += of_edge * l[e][k];
      }
    }
    const T total = SumOfFour(softmax.total) * static_cast<T>(in.heads);
    const T share = edges.end > edges.begin ? T{1} / total : T{0};
#pragma unroll
    for (int k = 0; k < kOwn; ++k) sum[k] += own[k] * share;
  }
  if (group == target) StoreRow<kLanes, kQuads>(out + row * in.dim, in.dim, lane, sum);
}

// What the left side needs of an edge and head: its weight, over the heads, and the gradient of its
// score.
template <typename T>
struct alignas(2 * sizeof(T)) EdgeGradient {
  T weight, score;
};

// The edges' weights and their scores' gradients, of one target and head. A score and the gradient
// of its weight are kept in their places until both are known of all edges.
template <int kLanes, int kQuads, typename T>
__device__ __forceinline__ void MakeEdgeGradients(const AttentionProblem<T>& in, const T* left,
                                                  const EdgeRange& edges, const T* right,
                                                  const T* attention, const T* grad_out, int lane,
                                                  EdgeGradient<T>* made) {
  constexpr int kOwn = 4 * kQuads;
  const T share = T{1} / static_cast<T>(in.heads);
  RunningSoftmax<T> softmax;
  T mean = 0;
  for (int32_t round = 0; round < edges.rounds; ++round) {
    T l[4][kOwn], parts[4], fade;
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      const int64_t source = in.sources[edges.Edge(round, e)];
      LoadRow<kLanes, kQuads>(left + source * in.heads * in.dim, in.dim, lane, l[e]);
    }
    PartsOfScores<kOwn>(l, right, attention, parts);
    T score = GroupSumsOfFour<kLanes>(lane, parts);
    const bool has = edges.Has(round, lane & 3);
    if (!has) score = -static_cast<T>(INFINITY);
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      parts[e] = 0;
#pragma unroll
      for (int k = 0; k < kOwn; ++k) parts[e] += grad_out[k] * l[e][k];
    }
    const T dot = GroupSumsOfFour<kLanes>(lane, parts) * share;
    const T weight = softmax.Take(score, &fade);
    mean = mean * fade + weight * dot;
    if (has && lane < 4) made[edges.begin + 4 * round + lane] = {score, dot};
  }
  const T total = SumOfFour(softmax.total);
  mean = SumOfFour(mean) / total;
  __syncwarp();
  for (int64_t edge = edges.begin + lane; edge < edges.end; edge += kLanes) {
    const EdgeGradient<T> known = made[edge];
    const T weight = exp(known.weight - softmax.peak) / total;
    made[edge] = {weight * share, weight * (known.score - mean)};
  }
  __syncwarp();
}

// Gradients of the right side and the attention, and what the left side needs of each edge.
template <typename T, int kLanes, int kQuads>
__global__ void AttentionTargetsKernel(AttentionProblem<T> in, AttentionGradients<T> gradients,
                                       int64_t blocks_of_head) {
  constexpr int kOwn = 4 * kQuads, kGroups = kAttentionThreads / kLanes;
  const int lane = LaneOf<kLanes>();
  const int64_t block = blockIdx.x % blocks_of_head, cell_head = blockIdx.x / blocks_of_head;
  const int64_t cell = cell_head / in.heads, head = cell_head % in.heads;
  const int64_t stride = in.heads * in.dim;
  const T* left = in.left + cell * in.nodes * stride + head * in.dim;
  auto* of_edges =
      reinterpret_cast<EdgeGradient<T>*>(gradients.edge_scratch) + cell_head * in.edges;
  T attention[kOwn], grad_attention[kOwn] = {};
  LoadRow<kLanes, kQuads>(in.attention + head * in.dim, in.dim, lane, attention);
  for (int64_t k = threadIdx.x / kLanes; k < kTargetsOfBlock; k += kGroups) {
    const int64_t place = block * kTargetsOfBlock + k, target = min(place, in.nodes - 1);
    const int64_t node = cell * in.nodes + target, row = node * stride + head * in.dim;
    const EdgeRange edges = EdgeRange::Of<kLanes>(in.indptr, target, place == target);
    T right[kOwn], grad_out[kOwn], grad_right[kOwn] = {};
    LoadRow<kLanes, kQuads>(in.right + row, in.dim, lane, right);
    LoadRow<kLanes, kQuads>(gradients.out + node * in.dim, in.dim, lane, grad_out);
    MakeEdgeGradients<kLanes, kQuads>(in, left, edges, right, attention, grad_out, lane, of_edges);
    for (int32_t round = 0; round < edges.rounds; ++round) {
#pragma unroll
      for (int e = 0; e < 4; ++e) {
        const int64_t edge = edges.Edge(round, e);
        const T grad_score = edges.Has(round, e) ? of_edges[edge].score : T{0};
        T l[kOwn];
        LoadRow<kLanes, kQuads>(left + in.sources[edge] * stride, in.dim, lane, l);
#pragma unroll
        for (int d = 0; d < kOwn; ++d) {
          const T z = l[d] + right[d], sloped = grad_score * Slope(z);
          grad_right[d] += sloped;
          grad_attention[d] += sloped * z;
        }
      }
    }
#pragma unroll
    for (int d = 0; d < kOwn; ++d) grad_right[d] *= attention[d];
    if (place == target) StoreRow<kLanes, kQuads>(gradients.right + row, in.dim, lane, grad_right);
  }
#pragma unroll
  for (int d = 0; d < kOwn; ++d) grad_attention[d] = SumOfGroups<kLanes>(grad_attention[d]);
  const int64_t part = (cell_head * blocks_of_head + block) * kWarpsOfBlock + threadIdx.x / 32;
  if (threadIdx.x % 32 < kLanes) {
    StoreRow<kLanes, kQuads>(gradients.attention + part * in.dim, in.dim, lane, grad_attention);
  }
}

// The left side's gradient: each source gathers from its targets.
template <typename T, int kLanes, int kQuads>
__global__ void AttentionSourcesKernel(AttentionProblem<T> in, TransposedGraph transposed,
                                       AttentionGradients<T> gradients, int64_t blocks_of_head) {
  constexpr int kOwn = 4 * kQuads, kGroups = kAttentionThreads / kLanes;
  const int lane = LaneOf<kLanes>();
  const int64_t cell_head = blockIdx.x / blocks_of_head;
  const int64_t group = blockIdx.x % blocks_of_head * kGroups + threadIdx.x / kLanes;
  if (group >= in.nodes) return;  // no lane waits for another here
  const int64_t cell = cell_head / in.heads, head = cell_head % in.heads;
  const int64_t stride = in.heads * in.dim;
  const T* right = in.right + cell * in.nodes * stride + head * in.dim;
  const T* grad_out = gradients.out + cell * in.nodes * in.dim;
  const auto* of_edges =
      reinterpret_cast<const EdgeGradient<T>*>(gradients.edge_scratch) + cell_head * in.edges;
  const int64_t row = (cell * in.nodes + group) * stride + head * in.dim;
  T attention[kOwn], left[kOwn], weighed[kOwn] = {}, sloped[kOwn] = {};
  LoadRow<kLanes, kQuads>(in.left + row, in.dim, lane, left);
  const int64_t begin = transposed.indptr[group], end = transposed.indptr[group + 1];
  for (int64_t first = begin; first < end; first += 4) {
#pragma unroll
    for (int e = 0; e < 4; ++e) {
      const int64_t k = min(first + e, end - 1), target = transposed.targets[k];
      EdgeGradient<T> edge = of_edges[transposed.edges[k]];
      if (first + e >= end) edge = {T{0}, T{0}};
      T r[kOwn], g[kOwn];
      LoadRow<kLanes, kQuads>(right + target * stride, in.dim, lane, r);
      LoadRow<kLanes, kQuads>(grad_out + target * in.dim, in.dim, lane, g);
#pragma unroll
      for (int d = 0; d < kOwn; ++d) {
        weighed[d] += edge.weight * g[d];
        sloped[d] += edge.score * Slope(left[d] + r[d]);
      }
    }
  }
  LoadRow<kLanes, kQuads>(in.attention + head * in.dim, in.dim, lane, attention);
#pragma unroll
  for (int d = 0; d < kOwn; ++d) weighed[d] += attention[d] * sloped[d];
  StoreRow<kLanes, kQuads>(gradients.left + row, in.dim, lane, weighed);
}

}  // namespace unlasting::model::cuda
