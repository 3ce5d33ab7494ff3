#include "core/model/cpu/grn_block.h"

#include <algorithm>

namespace unlasting::model::cpu {
namespace {

// Nodes of a tile: its inputs and right features stay in the first-level cache. Multiple of the row
// block of the products.
constexpr int64_t kTile = 60;
// Edges over all pairs of nodes from which a tile is aggregated as a dense product: measured, see
// docs/benchmarks.md.
constexpr double kDenseShare = 0.75;

}  // namespace

template <typename T>
GrnBlock<T>::GrnBlock(const ModelConfig& config, const NetworkWeights<T>& arrays)
    : config_(config),
      dim_(Padded(config.dim)),
      indptr_(arrays.edge_indptr),
      sources_(arrays.edge_source) {
  const int64_t d = config.dim, heads = config.heads;
  for (int64_t i = 0; i < config.nodes; ++i) {
    largest_degree_ = std::max(largest_degree_, indptr_[i + 1] - indptr_[i]);
  }
  psi_control_ = Psi<T>(arrays, "psi_control", d);
  if (arrays.values.count("psi_x_in") > 0) psi_x_ = Psi<T>(arrays, "psi_x", d);
  // [d, heads * d] -> [d, heads * dim]: each head's columns are padded by themselves.
  const auto map = [&](const std::string& name, int64_t layer, T sign) {
    AlignedVector<T> wide =
        PadRows(arrays.at(name).data() + layer * d * heads * d, d * heads, d, dim_);
    for (T& value : wide) value *= sign;
    return PackedMatrix<T>(wide.data(), d, heads * dim_, dim_);
  };
  const auto heads_row = [&](const std::string& name, int64_t layer, T factor) {
    AlignedVector<T> wide = PadRows(arrays.at(name).data() + layer * heads * d, heads, d, dim_);
    for (T& value : wide) value *= factor;
    return wide;
  };
  const auto row = [&](const std::string& name, int64_t layer) {
    return PadRows(arrays.at(name).data() + layer * d, 1, d, dim_);
  };
  for (int64_t l = 0; l < (config.grn ? config.layers : 0); ++l) {
    Layer layer;
    layer.left = map("left_weight", l, T{1});
    layer.right_negated = map("right_weight", l, T{-1});
    layer.left_bias = heads_row("left_bias", l, T{1});
    layer.right_bias_negated = heads_row("right_bias", l, T{-1});
    layer.norm_weight = row("norm_weight", l);
    layer.norm_bias = row("norm_bias", l);
    layer.attention_left = heads_row("attention", l, static_cast<T>(0.2));
    layer.attention_scaled = heads_row("attention", l, static_cast<T>(0.8));
    layer.bias = row("gat_bias", l);
    layers_.push_back(std::move(layer));
  }
  readout_weight_ = PadRows(arrays.at("readout_weight").data(), config.nodes, d, dim_);
  readout_bias_ = arrays.at("readout_bias");
}

template <typename T>
GrnScratch<T> GrnBlock<T>::MakeScratch() const {
  GrnScratch<T> scratch;
  const int64_t wide = config_.heads * dim_;
  scratch.hidden.resize(config_.nodes * dim_);
  if (!layers_.empty()) {
    scratch.left.resize(config_.nodes * wide);
    scratch.left_score.resize(config_.nodes * config_.heads);
  }
  if (layers_.size() > 1) {
    scratch.left_next.resize(scratch.left.size());
    scratch.left_score_next.resize(scratch.left_score.size());
  }
  scratch.tile_inputs.resize(kTile * dim_);
  scratch.tile_right.resize(kTile * wide);
  scratch.scores.resize(config_.heads * Padded(largest_degree_ + 1));
  scratch.outside.resize(kTile);
  for (int64_t first = 0; first < config_.nodes; first += kTile) {
    if (!Dense(first, std::min(kTile, config_.nodes - first))) continue;
    scratch.dense_weights.resize(config_.heads * kTile * config_.nodes);
    break;
  }
  return scratch;
}

template <typename T>
void GrnBlock<T>::FillInputs(const Inputs& in, int64_t first, int64_t rows,
                             GrnScratch<T>* scratch) const {
  T* hidden = scratch->hidden.data() + first * dim_;
  std::copy_n(in.base->nodes.data() + first * dim_, rows * dim_, hidden);
  for (const int32_t node : in.knockout) {
    if (node < first || node >= first + rows) continue;
    std::copy_n(in.base->knocked_out.data(), dim_, hidden + (node - first) * dim_);
  }
  const int64_t measured = std::min(rows, config_.genes - first);
  if (measured <= 0) return;
  T* outside_scratch = scratch->tile_inputs.data();
  int32_t* outside = scratch->outside.data();
  if (in.control != nullptr && config_.control_input) {
    psi_control_.Add(in.control + first, measured, hidden, outside_scratch, outside);
  }
  if (in.state != nullptr) psi_x_.Add(in.state + first, measured, hidden, outside_scratch, outside);
}

template <typename T>
const T* GrnBlock<T>::LayerInputs(const Layer& layer, const T* hidden, int64_t rows,
                                  GrnScratch<T>* scratch) const {
  if (!config_.residual) return hidden;
  BestKernels<T>().layer_norm(hidden, rows, config_.dim, dim_, layer.norm_weight.data(),
                              layer.norm_bias.data(), scratch->tile_inputs.data());
  return scratch->tile_inputs.data();
}

template <typename T>
void GrnBlock<T>::MakeLeft(const Layer& layer, const T* hidden, int64_t first, int64_t rows,
                           GrnScratch<T>* scratch, AlignedVector<T>* left,
                           AlignedVector<T>* left_score) const {
  const int64_t wide = config_.heads * dim_;
  T* features = left->data() + first * wide;
  layer.left.Multiply(LayerInputs(layer, hidden, rows, scratch), dim_, rows, layer.left_bias.data(),
                      false, features, wide);
  BestKernels<T>().dot_rows(features, rows, config_.heads, dim_, layer.attention_left.data(),
                            left_score->data() + first * config_.heads);
}

template <typename T>
bool GrnBlock<T>::Dense(int64_t first, int64_t rows) const {
  const int64_t edges = indptr_[first + rows] - indptr_[first];
  return static_cast<double>(edges) >= kDenseShare * static_cast<double>(rows * config_.nodes);
}

// hidden = bias + (residual) + weights of every head times left.
template <typename T>
void GrnBlock<T>::AddDense(const Layer& layer, int64_t rows, GrnScratch<T>* scratch,
                           T* hidden) const {
  for (int64_t k = 0; k < rows * dim_; ++k) {
    hidden[k] = layer.bias[k % dim_] + (config_.residual ? hidden[k] : T{0});
  }
  for (int64_t h = 0; h < config_.heads; ++h) {
    AddProduct(scratch->dense_weights.data() + h * rows * config_.nodes, config_.nodes, 1, rows,
               config_.nodes, scratch->left.data() + h * dim_, config_.heads * dim_, dim_, hidden,
               dim_);
  }
}

template <typename T>
void GrnBlock<T>::ReadOut(const T* hidden, int64_t first, int64_t rows, T* gene_readout) const {
  // One "row" of as many products as there are nodes: each node has weights of its own.
  BestKernels<T>().dot_rows(hidden, 1, rows, dim_, readout_weight_.data() + first * dim_,
                            gene_readout + first);
  for (int64_t r = 0; r < rows; ++r) gene_readout[first + r] += readout_bias_[first + r];
}

template <typename T>
void GrnBlock<T>::Run(const Inputs& inputs, GrnScratch<T>* scratch, T* gene_readout) const {
  const auto tiles = [&](const auto& work) {
    for (int64_t first = 0; first < config_.nodes; first += kTile) {
      const int64_t rows = std::min(kTile, config_.nodes - first);
      work(scratch->hidden.data() + first * dim_, first, rows);
    }
  };
  tiles([&](T* hidden, int64_t first, int64_t rows) {
    FillInputs(inputs, first, rows, scratch);
    if (layers_.empty()) {
      ReadOut(hidden, first, rows, gene_readout);
    } else {
      MakeLeft(layers_[0], hidden, first, rows, scratch, &scratch->left, &scratch->left_score);
    }
  });
  AttendArguments<T> attend;
  attend.graph = {indptr_.data(), sources_.data()};
  attend.heads = config_.heads;
  attend.dim = dim_;
  attend.right_negated = scratch->tile_right.data();
  attend.residual = config_.residual;
  attend.nodes = config_.nodes;
  attend.scores = scratch->scores.data();
  for (size_t l = 0; l < layers_.size(); ++l) {
    const Layer& layer = layers_[l];
    const bool last = l + 1 == layers_.size();
    attend.left = scratch->left.data();
    attend.left_score = scratch->left_score.data();
    attend.attention_scaled = layer.attention_scaled.data();
    attend.bias = layer.bias.data();
    // A target's right features are needed by itself alone, so they live for one tile; the next
    // layer's left features are made while the tile is at hand.
    tiles([&](T* hidden, int64_t first, int64_t rows) {
      layer.right_negated.Multiply(LayerInputs(layer, hidden, rows, scratch), dim_, rows,
                                   layer.right_bias_negated.data(), false,
                                   scratch->tile_right.data(), config_.heads * dim_);
      attend.out = hidden;
      const bool dense = Dense(first, rows);
      if (dense) {
        std::fill_n(scratch->dense_weights.data(), config_.heads * rows * config_.nodes, T{0});
      }
      attend.dense_weights = dense ? scratch->dense_weights.data() : nullptr;
      BestKernels<T>().attend(attend, first, first + rows);
      if (dense) AddDense(layer, rows, scratch, hidden);
      if (last) {
        ReadOut(hidden, first, rows, gene_readout);
      } else {
        MakeLeft(layers_[l + 1], hidden, first, rows, scratch, &scratch->left_next,
                 &scratch->left_score_next);
      }
    });
    if (last) continue;
    std::swap(scratch->left, scratch->left_next);
    std::swap(scratch->left_score, scratch->left_score_next);
  }
}

template class GrnBlock<float>;
template class GrnBlock<double>;

}  // namespace unlasting::model::cpu
