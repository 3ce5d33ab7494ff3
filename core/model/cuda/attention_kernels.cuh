// attention_kernels.cuh gives each target (or source) a warp, whose lanes lie along the embedding:
// its number lane + 32 k is v[k].
#pragma once

#include <cmath>

#include "core/model/cuda/attention_kernels.h"

namespace unlasting::model::cuda {

constexpr int kWarp = 32;
constexpr int kWarpsOfBlock = 4;
// Targets of a block in the backward pass; each warp sums its own part of the attention's gradient.
constexpr int64_t kTargetsOfBlock = 64;
constexpr unsigned kWholeWarp = 0xffffffffu;

template <typename T>
__device__ __forceinline__ T WarpSum(T v) {
#pragma unroll
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    v += __shfl_xor_sync(kWholeWarp, v, offset);
  }
  return v;
}

template <typename T, int kOwn>
__device__ __forceinline__ void LoadRow(const T* row, int64_t dim, int lane, T* v) {
#pragma unroll
  for (int k = 0; k < kOwn; ++k) {
    const int d = lane + kWarp * k;
    v[k] = d < dim ? row[d] : T{0};
  }
}
template <typename T, int kOwn>
__device__ __forceinline__ void StoreRow(T* row, int64_t dim, int lane, const T* v) {
#pragma unroll
  for (int k = 0; k < kOwn; ++k) {
    const int d = lane + kWarp * k;
    if (d < dim) row[d] = v[k];
  }
}

template <typename T>
__device__ __forceinline__ T Slope(T z) {
  return z > 0 ? T{1} : static_cast<T>(0.2);
}

template <typename T, int kOwn>
__device__ __forceinline__ T ScoreOf(const T* left, const T* right, const T* attention) {
  T sum = 0;
#pragma unroll
  for (int k = 0; k < kOwn; ++k) {
    const T z = left[k] + right[k];
    sum += attention[k] * z * Slope(z);
  }
  return WarpSum(sum);
}

template <typename T, int kOwn>
__global__ void AttentionForwardKernel(AttentionProblem<T> in, T* out) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int64_t place =
      static_cast<int64_t>(blockIdx.x) * kWarpsOfBlock + static_cast<int>(threadIdx.x) / kWarp;
  if (place >= in.cells * in.nodes) return;
  const int64_t cell = place / in.nodes, target = place % in.nodes;
  const int64_t begin = in.indptr[target], end = in.indptr[target + 1];
  const int64_t stride = in.heads * in.dim;
  const T* left = in.left + cell * in.nodes * stride;
  T sum[kOwn] = {};
  for (int64_t head = 0; head < in.heads && end > begin; ++head) {
    T attention[kOwn], right[kOwn], own[kOwn] = {};
    LoadRow<T, kOwn>(in.attention + head * in.dim, in.dim, lane, attention);
    LoadRow<T, kOwn>(in.right + place * stride + head * in.dim, in.dim, lane, right);
    T peak = -static_cast<T>(INFINITY), total = 0;
    for (int64_t edge = begin; edge < end; ++edge) {
      T l[kOwn];
      LoadRow<T, kOwn>(left + in.sources[edge] * stride + head * in.dim, in.dim, lane, l);
      const T score = ScoreOf<T, kOwn>(l, right, attention);
      const T higher = score > peak ? score : peak;
      const T fade = exp(peak - higher), weight = exp(score - higher);
      peak = higher;
      total = total * fade + weight;
#pragma unroll
      for (int k = 0; k < kOwn; ++k) own[k] = own[k] * fade + weight * l[k];
    }
    const T share = T{1} / (total * static_cast<T>(in.heads));
#pragma unroll
    for (int k = 0; k < kOwn; ++k) sum[k] += own[k] * share;
  }
  StoreRow<T, kOwn>(out + place * in.dim, in.dim, lane, sum);
}

// Gradients of the right side and the attention, and per edge what the left side needs: its weight
// (over the heads) and its score's gradient. Long because its arrays live in registers.
template <typename T, int kOwn>
__global__ void AttentionTargetsKernel(AttentionProblem<T> in, AttentionGradients<T> gradients,
                                       int64_t blocks_of_head) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int warp = static_cast<int>(threadIdx.x) / kWarp;
  const int64_t block = blockIdx.x % blocks_of_head, cell_head = blockIdx.x / blocks_of_head;
  const int64_t cell = cell_head / in.heads, head = cell_head % in.heads;
  const int64_t stride = in.heads * in.dim;
  const T share = T{1} / static_cast<T>(in.heads);
  const T* left = in.left + cell * in.nodes * stride + head * in.dim;
  T* edges = gradients.edge_scratch + cell_head * in.edges * 2;
  T attention[kOwn], grad_attention[kOwn] = {};
  LoadRow<T, kOwn>(in.attention + head * in.dim, in.dim, lane, attention);
  for (int64_t k = warp; k < kTargetsOfBlock; k += kWarpsOfBlock) {
    const int64_t target = block * kTargetsOfBlock + k;
    if (target >= in.nodes) break;
    const int64_t begin = in.indptr[target], end = in.indptr[target + 1];
    const int64_t row = (cell * in.nodes + target) * stride + head * in.dim;
    T right[kOwn], grad_out[kOwn], grad_right[kOwn] = {};
    LoadRow<T, kOwn>(in.right + row, in.dim, lane, right);
    LoadRow<T, kOwn>(gradients.out + (cell * in.nodes + target) * in.dim, in.dim, lane, grad_out);
    T peak = -static_cast<T>(INFINITY), total = 0, mean = 0;
    for (int64_t edge = begin; edge < end; ++edge) {
      T l[kOwn], dot = 0;
      LoadRow<T, kOwn>(left + in.sources[edge] * stride, in.dim, lane, l);
      const T score = ScoreOf<T, kOwn>(l, right, attention);
#pragma unroll
      for (int d = 0; d < kOwn; ++d) dot += grad_out[d] * l[d];
      dot = WarpSum(dot) * share;
      const T higher = score > peak ? score : peak;
      const T fade = exp(peak - higher), weight = exp(score - higher);
      peak = higher;
      total = total * fade + weight;
      mean = mean * fade + weight * dot;
      if (lane == 0) {
        edges[2 * edge] = score;
        edges[2 * edge + 1] = dot;
      }
    }
    __syncwarp();
    for (int64_t edge = begin + lane; edge < end; edge += kWarp) {
      const T weight = exp(edges[2 * edge] - peak) / total;
      edges[2 * edge + 1] = weight * (edges[2 * edge + 1] - mean / total);
      edges[2 * edge] = weight * share;
    }
    __syncwarp();
    for (int64_t edge = begin; edge < end; ++edge) {
      T l[kOwn];
      LoadRow<T, kOwn>(left + in.sources[edge] * stride, in.dim, lane, l);
      const T grad_score = edges[2 * edge + 1];
#pragma unroll
      for (int d = 0; d < kOwn; ++d) {
        const T z = l[d] + right[d], slope = Slope(z);
        grad_right[d] += grad_score * attention[d] * slope;
        grad_attention[d] += grad_score * z * slope;
      }
    }
    StoreRow<T, kOwn>(gradients.right + row, in.dim, lane, grad_right);
  }
  const int64_t part = (cell_head * blocks_of_head + block) * kWarpsOfBlock + warp;
  StoreRow<T, kOwn>(gradients.attention + part * in.dim, in.dim, lane, grad_attention);
}

// The left side's gradient: each source gathers from its targets.
template <typename T, int kOwn>
__global__ void AttentionSourcesKernel(AttentionProblem<T> in, TransposedGraph transposed,
                                       AttentionGradients<T> gradients) {
  const int lane = static_cast<int>(threadIdx.x) % kWarp;
  const int64_t place =
      static_cast<int64_t>(blockIdx.x) * kWarpsOfBlock + static_cast<int>(threadIdx.x) / kWarp;
  if (place >= in.cells * in.nodes) return;
  const int64_t cell = place / in.nodes, source = place % in.nodes;
  const int64_t stride = in.heads * in.dim;
  const T* grad_out = gradients.out + cell * in.nodes * in.dim;
  const int64_t begin = transposed.indptr[source], end = transposed.indptr[source + 1];
  for (int64_t head = 0; head < in.heads; ++head) {
    const int64_t row = place * stride + head * in.dim;
    const T* right = in.right + cell * in.nodes * stride + head * in.dim;
    const T* edges = gradients.edge_scratch + (cell * in.heads + head) * in.edges * 2;
    T attention[kOwn], l[kOwn], grad[kOwn] = {};
    LoadRow<T, kOwn>(in.attention + head * in.dim, in.dim, lane, attention);
    LoadRow<T, kOwn>(in.left + row, in.dim, lane, l);
    for (int64_t k = begin; k < end; ++k) {
      const int64_t edge = transposed.edges[k], target = transposed.targets[edge];
      const T weight = edges[2 * edge], grad_score = edges[2 * edge + 1];
      T r[kOwn], g[kOwn];
      LoadRow<T, kOwn>(right + target * stride, in.dim, lane, r);
      LoadRow<T, kOwn>(grad_out + target * in.dim, in.dim, lane, g);
#pragma unroll
      for (int d = 0; d < kOwn; ++d) {
        grad[d] += weight * g[d] + grad_score * attention[d] * Slope(l[d] + r[d]);
      }
    }
    StoreRow<T, kOwn>(gradients.left + row, in.dim, lane, grad);
  }
}

}  // namespace unlasting::model::cuda
