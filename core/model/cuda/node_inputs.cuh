// node_inputs.cuh computes the node inputs of every cell of a batch (eq 7-10), and what a layer
// does with a node's embedding then: it keeps it, normalises it for the next layer, or reads it out
// (eq 12).
#pragma once

#include "core/model/cuda/lanes.cuh"

namespace unlasting::model::cuda {

// `v` is node `node` of row `row`; nothing is stored unless `valid`.
template <typename F, int kLanes, int kQuads>
__device__ __forceinline__ void PassOn(const Next& next, int64_t row, int32_t node, int32_t nodes,
                                       int32_t true_dim, bool valid, int lane, float* v) {
  constexpr int kDim = 4 * kLanes * kQuads, kOwn = 4 * kQuads;
  const int64_t at = (row * nodes + node) * kDim;
  if (next.readout_weight != nullptr) {
    float weight[kOwn], sum = 0;
    LoadNode<kLanes, kQuads>(next.readout_weight + static_cast<int64_t>(node) * kDim, lane, weight);
#pragma unroll
    for (int k = 0; k < kOwn; ++k) sum += v[k] * weight[k];
    sum = GroupSum<kLanes>(sum);
    if (valid && lane == 0) {
      next.gene_readout[row * next.gene_readout_stride + node] = sum + next.readout_bias[node];
    }
    return;
  }
  if (valid && next.hidden != nullptr) StoreNode<kLanes, kQuads>(next.hidden + at, lane, v);
  F* normalised = static_cast<F*>(next.normalised) + at;
  if (next.norm_weight == nullptr) {
    if (valid) StoreNode<kLanes, kQuads>(normalised, lane, v);
    return;
  }
  const float share = 1.0f / static_cast<float>(true_dim);
  float sum = 0;
#pragma unroll
  for (int k = 0; k < kOwn; ++k) sum += v[k];
  const float mean = GroupSum<kLanes>(sum) * share;
  float squares = 0;
#pragma unroll
  for (int k = 0; k < kOwn; ++k) {
    const int d = 4 * (k / 4 * kLanes + lane) + k % 4;
    const float centred = d < true_dim ? v[k] - mean : 0.0f;
    squares += centred * centred;
  }
  const float scale = 1.0f / sqrtf(GroupSum<kLanes>(squares) * share + 1e-5f);
  float weight[kOwn], bias[kOwn];
  LoadNode<kLanes, kQuads>(next.norm_weight, lane, weight);
  LoadNode<kLanes, kQuads>(next.norm_bias, lane, bias);
#pragma unroll
  for (int k = 0; k < kOwn; ++k) v[k] = (v[k] - mean) * scale * weight[k] + bias[k];
  if (valid) StoreNode<kLanes, kQuads>(normalised, lane, v);
}

// v += Psi(x), from the table or, beyond it, computed.
template <int kLanes, int kQuads>
__device__ __forceinline__ void AddPsi(const Psi& psi, float x, int lane, float* v) {
  constexpr int kDim = 4 * kLanes * kQuads, kOwn = 4 * kQuads;
  const float place = (x - psi.low) * psi.inverse_step;
  // Written so that NaN is outside too.
  if (place >= 0.0f && place < static_cast<float>(psi.rows - 1)) {
    const int cell = static_cast<int>(place);
    const float s = place - static_cast<float>(cell), s2 = s * s, s3 = s2 * s;
    const float h01 = 3.0f * s2 - 2.0f * s3;
    const float shares[4] = {1.0f - h01, s3 - 2.0f * s2 + s, h01, s3 - s2};
    const float* rows = psi.table + static_cast<int64_t>(cell) * 2 * kDim;
#pragma unroll
    for (int row = 0; row < 4; ++row) {
      float values[kOwn];
      LoadNode<kLanes, kQuads>(rows + row * kDim, lane, values);
#pragma unroll
      for (int k = 0; k < kOwn; ++k) v[k] += shares[row] * values[k];
    }
    return;
  }
  float values[kOwn];
  LoadNode<kLanes, kQuads>(psi.out_bias, lane, values);
#pragma unroll
  for (int k = 0; k < kOwn; ++k) v[k] += values[k];
  for (int d = 0; d < kDim; ++d) {
    const float hidden = SiluOf(x * psi.in[d] + psi.bias[d]);
    LoadNode<kLanes, kQuads>(psi.out + static_cast<int64_t>(d) * kDim, lane, values);
#pragma unroll
    for (int k = 0; k < kOwn; ++k) v[k] += hidden * values[k];
  }
}

// A group a node; blockIdx.y is the row.
template <typename F, int kLanes, int kQuads>
__global__ void NodeInputsKernel(NodeInputsArguments in) {
  constexpr int kDim = 4 * kLanes * kQuads;
  const int lane = LaneOf<kLanes>();
  const int32_t group =
      static_cast<int32_t>(blockIdx.x * (blockDim.x / kLanes) + threadIdx.x / kLanes);
  const int32_t node = min(group, in.nodes - 1);
  const int64_t row_number = blockIdx.y;
  const DeviceRow& row = in.rows[row_number];
  int64_t from = node;
  for (int32_t k = row.knockout_begin; k < row.knockout_end; ++k) {
    if (in.knockout[k] == node) from = in.nodes;
  }
  float v[4 * kQuads];
  LoadNode<kLanes, kQuads>(row.base + from * kDim, lane, v);
  if (node < in.genes) {
    if (in.control_input && row.control != nullptr) {
      float control = row.control[node];
      if (in.skip.on) {
        const int64_t at = static_cast<int64_t>(row.cell_type) * in.genes + node;
        control = (control - in.skip.mean[at]) / sqrtf(in.skip.variance[at]);
      }
      AddPsi<kLanes, kQuads>(in.psi_control, control, lane, v);
    }
    if (in.state != nullptr) {
      AddPsi<kLanes, kQuads>(in.psi_x, in.state[row_number * in.state_stride + node], lane, v);
    }
  }
  PassOn<F, kLanes, kQuads>(in.next, row_number, node, in.nodes, in.true_dim, group == node, lane,
                            v);
}

}  // namespace unlasting::model::cuda
