// row_kernels.cuh computes what concerns one number at a time: the skip on the way in and out,
// activations, and the solver. Each number has a thread; blockIdx.y is the row.
#pragma once

#include "core/base/counter_rng.h"
#include "core/model/cuda/lanes.cuh"

namespace unlasting::model::cuda {

__device__ __forceinline__ int32_t PlaceInRow() {
  return static_cast<int32_t>(blockIdx.x * blockDim.x + threadIdx.x);
}

// state [R, stride] <- the skip's normalised input, or x_t itself.
__global__ void StandardiseKernel(const DeviceRow* rows, Skip skip, int32_t genes, int64_t stride,
                                  float* state) {
  const int32_t gene = PlaceInRow();
  if (gene >= genes) return;
  const DeviceRow& row = rows[blockIdx.y];
  float x = row.x[gene];
  if (skip.on) {
    const float abar = skip.alpha_bar[row.time], variance = (1.0f - abar) / abar;
    x = (x / sqrtf(abar) - row.mean[gene]) / sqrtf(row.variance[gene] + variance);
  }
  state[blockIdx.y * stride + gene] = x;
}

__global__ void ActivateKernel(ActivateArguments in) {
  const int32_t k = PlaceInRow();
  if (k >= in.width) return;
  const DeviceRow& row = in.rows[blockIdx.y];
  float* h = in.h + static_cast<int64_t>(blockIdx.y) * in.width + k;
  float v = *h;
  if (in.bias != nullptr) v += in.bias[k];
  if (in.cell != nullptr) v += in.cell[static_cast<int64_t>(row.cell_embedding_row) * in.width + k];
  if (in.time != nullptr) v += in.time[static_cast<int64_t>(row.time) * in.width + k];
  const float* condition = in.condition == ActivateArguments::kBlock     ? row.block_condition
                           : in.condition == ActivateArguments::kDecoder ? row.decoder_condition
                                                                         : nullptr;
  if (condition != nullptr) v += condition[k];
  *h = SiluOf(v);
}

__global__ void FinishKernel(FinishArguments in) {
  const int32_t gene = PlaceInRow();
  if (gene >= in.genes) return;
  const DeviceRow& row = in.rows[blockIdx.y];
  float x0 = 0;
  if (in.network_output != nullptr)
    x0 = in.network_output[blockIdx.y * in.network_output_stride + gene] +
         in.network_output_bias[gene];
  if (in.mask) x0 += in.gene_readout[blockIdx.y * in.gene_readout_stride + gene] + row.logit[gene];
  if (in.skip.on) {
    const float abar = in.skip.alpha_bar[row.time], variance = (1.0f - abar) / abar;
    const float mean = row.mean[gene], s2 = row.variance[gene], total = s2 + variance;
    const float base = mean + s2 / total * (row.x[gene] / sqrtf(abar) - mean);
    x0 = base + sqrtf(variance * s2 / total) * x0;
  }
  if (in.control_residual && row.control != nullptr) x0 += row.control[gene];
  // What a coefficient of 0 stands before may never have been written.
  double x = row.x0_coefficient * x0;
  if (row.x_coefficient != 0) x += row.x_coefficient * row.x[gene];
  if (row.previous_coefficient != 0) x += row.previous_coefficient * row.previous_x0[gene];
  row.x[gene] = static_cast<float>(x);
  if (row.noise_coefficient > 0) {
    row.x[gene] = static_cast<float>(
        row.x[gene] + row.noise_coefficient * diffusion::StandardNormal(row.noise_key, gene));
  }
  row.previous_x0[gene] = x0;
}

// Between the batch's gene-wise values [R, stride] and the rows' own.
__global__ void GeneReadoutKernel(const DeviceRow* rows, int32_t nodes, int64_t stride, bool keep,
                                  float* gene_readout) {
  const int32_t node = PlaceInRow();
  if (node >= nodes) return;
  float* kept = rows[blockIdx.y].gene_readout + node;
  float* here = gene_readout + blockIdx.y * stride + node;
  if (keep) {
    *kept = *here;
  } else {
    *here = *kept;
  }
}

// out [R, dim] <- silu(in + bias), or bias alone where `in` is null.
__global__ void BiasSiluKernel(const float* in, SmallRow bias, int32_t dim, float* out) {
  const int32_t d = PlaceInRow();
  if (d >= dim) return;
  const int64_t at = static_cast<int64_t>(blockIdx.y) * dim + d;
  out[at] = in == nullptr ? bias.values[d] : SiluOf(in[at] + bias.values[d]);
}

// inout [R, dim] <- inout + share * (other - inout).
__global__ void BlendKernel(const float* other, SmallRow share, int32_t dim, float* inout) {
  const int32_t d = PlaceInRow();
  if (d >= dim) return;
  const int64_t at = static_cast<int64_t>(blockIdx.y) * dim + d;
  inout[at] += share.values[d] * (other[at] - inout[at]);
}

}  // namespace unlasting::model::cuda
