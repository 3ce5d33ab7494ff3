// weights.h holds a neural network's weights on the device, padded, merged and converted once.
#pragma once

#include <vector>

#include "core/model/cpu/matrix.h"
#include "core/model/cuda/arguments.h"
#include "core/model/cuda/runtime.h"
#include "core/model/spec/config.h"

namespace unlasting::model::cuda {

struct LayerWeights {
  DeviceArray<float> maps;             // [D, 2 H D]: left, then right
  DeviceArray<BFloat16> maps_rounded;  // the same; with kBf16 in place of `maps`
  DeviceArray<float> right_bias, attention_left, attention_scaled;   // [H, D]
  DeviceArray<float> bias, bias_with_edges, norm_weight, norm_bias;  // [D]
};

// Block or Decoder: in -> hidden -> hidden -> out.
struct PerceptronWeights {
  int64_t hidden = 0;  // padded; 0: there is none
  DeviceArray<float> in, mid, out;
  DeviceArray<float> mid_bias, out_bias;
  DeviceArray<float> cell;  // [cell states, hidden]
  DeviceArray<float> time;  // [times, hidden]; empty for mask models
};

struct PsiWeights {
  DeviceArray<float> table, in, bias, out, out_bias;
  Psi view;
};

struct DeviceWeights {
  // INVALID embedding widths throw std::runtime_error.
  DeviceWeights(bool denoiser, const ModelConfig& config, const NetworkWeights<float>& arrays,
                Precision precision);

  int64_t dim = 0;           // D
  int64_t genes_stride = 0;  // N padded
  int64_t nodes_stride = 0;  // N' padded
  DeviceArray<int32_t> indptr, sources;
  std::vector<LayerWeights> layers;
  PsiWeights psi_control, psi_x;
  DeviceArray<float> readout_weight, readout_bias;
  PerceptronWeights block, decoder;
  DeviceArray<float> prior_mean, prior_variance;  // [cell types, N]
  DeviceArray<float> alpha_bar;                   // [times]
  DeviceArray<float> active_logit;                // [cell types, N]
  std::vector<float> time_bias;  // on the host: [times, padded dim], of Phi; empty for mask models
};

// `rows` rows of `columns`, `stride` apart, as rows of `width` filled with zeros.
std::vector<float> Widen(const float* values, int64_t rows, int64_t columns, int64_t stride,
                         int64_t width);

}  // namespace unlasting::model::cuda
