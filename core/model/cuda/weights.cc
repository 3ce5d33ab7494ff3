#include "core/model/cuda/weights.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <string>

#include "core/model/cpu/psi.h"

namespace unlasting::model::cuda {
namespace {

using cpu::PackedMatrix;
using cpu::Padded;

BFloat16 Round(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return {static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
}

// Rows and columns are filled up with zeros.
DeviceArray<float> Matrix(const float* values, int64_t rows, int64_t columns, int64_t padded_rows,
                          int64_t width) {
  std::vector<float> padded = Widen(values, rows, columns, columns, width);
  padded.resize(padded_rows * width);
  return DeviceArray<float>::From(padded);
}

LayerWeights MakeLayer(const ModelConfig& config, const NetworkWeights<float>& arrays,
                       int64_t layer, int64_t dim, Precision precision) {
  const int64_t d = config.dim, heads = config.heads, wide = heads * dim;
  LayerWeights out;
  std::vector<float> maps(dim * 2 * wide);
  for (int side = 0; side < 2; ++side) {
    const auto& weight = arrays.at(side == 0 ? "left_weight" : "right_weight");
    for (int64_t k = 0; k < d; ++k) {
      for (int64_t h = 0; h < heads; ++h) {
        std::copy_n(weight.data() + ((layer * d + k) * heads + h) * d, d,
                    maps.data() + (k * 2 + side) * wide + h * dim);
      }
    }
  }
  if (precision == Precision::kBf16) {
    std::vector<BFloat16> rounded(maps.size());
    std::transform(maps.begin(), maps.end(), rounded.begin(), Round);
    out.maps_rounded = DeviceArray<BFloat16>::From(rounded);
  } else {
    out.maps = DeviceArray<float>::From(maps);
  }
  const auto per_head = [&](const char* name, double factor) {
    std::vector<float> rows = Widen(arrays.at(name).data() + layer * heads * d, heads, d, d, dim);
    for (float& value : rows) value = static_cast<float>(factor) * value;
    return rows;
  };
  constexpr double kLog2OfE = 1.4426950408889634;
  out.attention_left = DeviceArray<float>::From(per_head("attention", 0.2 * kLog2OfE));
  out.attention_scaled = DeviceArray<float>::From(per_head("attention", 0.8 * kLog2OfE));
  const std::vector<float> left_bias = per_head("left_bias", 1);
  std::vector<float> both = per_head("right_bias", 1);
  for (size_t k = 0; k < both.size(); ++k) both[k] += left_bias[k];
  out.right_bias = DeviceArray<float>::From(both);
  const auto row = [&](const char* name) {
    return Widen(arrays.at(name).data() + layer * d, 1, d, d, dim);
  };
  std::vector<float> bias = row("gat_bias");
  out.bias = DeviceArray<float>::From(bias);
  for (size_t k = 0; k < left_bias.size(); ++k) {
    bias[k % dim] += left_bias[k] / static_cast<float>(heads);
  }
  out.bias_with_edges = DeviceArray<float>::From(bias);
  out.norm_weight = DeviceArray<float>::From(row("norm_weight"));
  out.norm_bias = DeviceArray<float>::From(row("norm_bias"));
  return out;
}

PsiWeights MakePsi(const NetworkWeights<float>& arrays, const std::string& prefix, int64_t d,
                   int64_t dim) {
  const cpu::Psi<float> psi(arrays, prefix, d);
  const auto row = [&](const char* name) {
    return DeviceArray<float>::From(Widen(arrays.at(prefix + name).data(), 1, d, d, dim));
  };
  PsiWeights out;
  out.in = row("_in");
  out.bias = row("_bias");
  out.out_bias = row("_out_bias");
  out.out = Matrix(arrays.at(prefix + "_out").data(), d, d, dim, dim);
  const auto grid = psi.grid();
  if (psi.tabulated()) {
    out.table =
        DeviceArray<float>::From(Widen(grid.values, 2 * grid.rows, grid.dim, grid.dim, dim));
  }
  out.view = {static_cast<int32_t>(grid.rows),
              grid.low,
              grid.inverse_step,
              out.table.data(),
              out.in.data(),
              out.bias.data(),
              out.out.data(),
              out.out_bias.data()};
  return out;
}

PerceptronWeights MakePerceptron(const ModelConfig& config, const NetworkWeights<float>& arrays,
                                 const std::string& prefix, int64_t in,
                                 const std::vector<float>& time_features, int64_t features) {
  PerceptronWeights out;
  const int64_t h = config.hidden, genes = Padded(config.genes);
  out.hidden = Padded(h);
  out.in = Matrix(arrays.at(prefix + "_in").data(), in, h, Padded(in), out.hidden);
  out.mid = Matrix(arrays.at(prefix + "_mid").data(), h, h, out.hidden, out.hidden);
  out.out = Matrix(arrays.at(prefix + "_out").data(), h, config.genes, out.hidden, genes);
  out.mid_bias = Matrix(arrays.at(prefix + "_mid_bias").data(), 1, h, 1, out.hidden);
  out.out_bias = Matrix(arrays.at(prefix + "_out_bias").data(), 1, config.genes, 1, genes);
  out.cell = Matrix(arrays.at(prefix + "_cell").data(), config.cell_embedding_rows(), h,
                    config.cell_embedding_rows(), out.hidden);
  if (features == 0) return out;
  const PackedMatrix<float> map(arrays.at(prefix + "_time").data(), features, h, features);
  std::vector<float> terms(config.times * out.hidden);
  map.Multiply(time_features.data(), Padded(features), config.times, nullptr, false, terms.data(),
               out.hidden);
  out.time = DeviceArray<float>::From(terms);
  return out;
}

// Features of every time, [times, Padded(features)] (core/model/torch/source.cc, time_features).
std::vector<float> TimeFeatures(const NetworkWeights<float>& arrays, int64_t times,
                                int64_t features) {
  const auto& frequency = arrays.at("frequency");
  const auto half = static_cast<int64_t>(frequency.size());
  std::vector<float> waves(times * 2 * half);
  for (int64_t t = 0; t < times; ++t) {
    for (int64_t k = 0; k < half; ++k) {
      // The product is rounded as the networks round it: at late times its last bit is seen.
      const float angle = static_cast<float>(t) * frequency[k];
      waves[t * 2 * half + k] = std::sin(angle);
      waves[t * 2 * half + half + k] = std::cos(angle);
    }
  }
  const int64_t width = Padded(features);
  const auto bias = Widen(arrays.at("time_bias").data(), 1, features, features, width);
  const PackedMatrix<float> map(arrays.at("time_weight").data(), 2 * half, features, 2 * half);
  std::vector<float> out(times * width);
  map.Multiply(waves.data(), 2 * half, times, bias.data(), false, out.data(), width);
  cpu::BestKernels<float>().silu(out.data(), static_cast<int64_t>(out.size()));
  return out;
}

}  // namespace

std::vector<float> Widen(const float* values, int64_t rows, int64_t columns, int64_t stride,
                         int64_t width) {
  std::vector<float> wide(rows * width);
  for (int64_t r = 0; r < rows; ++r) {
    std::copy_n(values + r * stride, columns, wide.data() + r * width);
  }
  return wide;
}

DeviceWeights::DeviceWeights(bool denoiser, const ModelConfig& config,
                             const NetworkWeights<float>& arrays, Precision precision)
    : dim(DeviceDim(config.dim)),
      genes_stride(Padded(config.genes)),
      nodes_stride(Padded(config.nodes)) {
  if (dim > kLargestDim) {
    throw std::runtime_error("cuda: dim: found " + std::to_string(config.dim) +
                             ", expected at most " + std::to_string(kLargestDim));
  }
  const int64_t d = config.dim;
  indptr = DeviceArray<int32_t>::From(
      std::vector<int32_t>(arrays.edge_indptr.begin(), arrays.edge_indptr.end()));
  sources = DeviceArray<int32_t>::From(arrays.edge_source);
  for (int64_t l = 0; l < (config.grn ? config.layers : 0); ++l) {
    layers.push_back(MakeLayer(config, arrays, l, dim, precision));
  }
  psi_control = MakePsi(arrays, "psi_control", d, dim);
  readout_weight = Matrix(arrays.at("readout_weight").data(), config.nodes, d, config.nodes, dim);
  auto readout = Widen(arrays.at("readout_bias").data(), 1, config.nodes, 0, nodes_stride);
  prior_mean = DeviceArray<float>::From(arrays.at("prior_mean"));
  prior_variance = DeviceArray<float>::From(arrays.at("prior_variance"));
  std::vector<float> time_features;
  int64_t features = 0;
  if (denoiser) {
    features = static_cast<int64_t>(arrays.at("time_bias").size());
    time_features = TimeFeatures(arrays, config.times, features);
    const PackedMatrix<float> map(arrays.at("phi_time").data(), features, d, features);
    time_bias.resize(config.times * Padded(d));
    map.Multiply(time_features.data(), Padded(features), config.times, nullptr, false,
                 time_bias.data(), Padded(d));
    psi_x = MakePsi(arrays, "psi_x", d, dim);
    block = MakePerceptron(config, arrays, "block", config.genes, time_features, features);
    // Block is added to the gene-wise values, so its bias may as well be there.
    const auto& bias = arrays.at("block_out_bias");
    for (int64_t g = 0; g < config.genes; ++g) readout[g] += bias[g];
    alpha_bar = DeviceArray<float>::From(arrays.at("alpha_bar"));
  } else {
    active_logit = DeviceArray<float>::From(arrays.at("active_logit"));
  }
  readout_bias = DeviceArray<float>::From(readout);
  if (denoiser || config.mask_head == "dense") {
    decoder = MakePerceptron(config, arrays, "decoder", config.nodes, time_features, features);
  }
}

}  // namespace unlasting::model::cuda
