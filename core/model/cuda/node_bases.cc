#include "core/model/cuda/node_bases.h"

#include <algorithm>

#include "core/model/cuda/launch.h"
#include "core/model/cuda/weights.h"

namespace unlasting::model::cuda {

NodeBases::NodeBases(const ModelConfig& config, const NetworkWeights<float>& arrays, int64_t dim,
                     int64_t bytes)
    : config_(config),
      dim_(dim),
      max_bases_(std::max<int64_t>(
          1, bytes / ((config.nodes + 1) * dim * static_cast<int64_t>(sizeof(float))))),
      inputs_(config, arrays),
      hidden_((config.nodes + 1) * dim) {
  const int64_t d = config.dim, narrow = cpu::Padded(d);
  std::vector<float> genes = Widen(inputs_.genes().data(), config.nodes, narrow, narrow, dim);
  genes.resize((config.nodes + 1) * dim);
  genes_ = DeviceArray<float>::From(genes);
  const auto square = [&](const char* name) {
    std::vector<float> wide = Widen(arrays.at(name).data(), d, d, d, dim);
    wide.resize(dim * dim);
    return DeviceArray<float>::From(wide);
  };
  phi_out_ = square("phi_out");
  phi_bias_ = Small(arrays.at("phi_out_bias"));
  if (config.molecule_features == 0) return;
  fuse_gene_ = square("fuse_gene");
  fuse_out_ = square("fuse_out");
  fuse_bias_ = Small(arrays.at("fuse_out_bias"));
  if (config.dose_gate == "sigmoid") fused_ = DeviceArray<float>((config.nodes + 1) * dim);
}

SmallRow NodeBases::Small(const AlignedVector<float>& values) const {
  SmallRow row{};
  std::copy(values.begin(), values.end(), row.values);
  return row;
}

void NodeBases::Map(const float* in, const DeviceArray<float>& map, const SmallRow& bias,
                    float* out, const Gemm& gemm, cudaStream_t stream) const {
  const int64_t rows = config_.nodes + 1;
  LaunchBiasSilu(nullptr, bias, rows, dim_, out, stream);
  Product<float> product;
  product.a = in;
  product.b = map.data();
  product.c = out;
  product.a_stride = product.b_stride = product.c_stride = dim_;
  product.rows = rows;
  product.depth = product.columns = dim_;
  product.accumulate = true;
  // Computed once and seen by every cell: not rounded to TF32.
  gemm.Multiply(product, /*tf32=*/false);
}

void NodeBases::Compute(const SmallRow& bias, const SmallRow* drug, const SmallRow* gate,
                        float* out, const Gemm& gemm, cudaStream_t stream) {
  const int64_t rows = config_.nodes + 1;
  LaunchBiasSilu(genes_.data(), bias, rows, dim_, hidden_.data(), stream);
  Map(hidden_.data(), phi_out_, phi_bias_, out, gemm, stream);
  if (drug == nullptr) return;
  Map(out, fuse_gene_, *drug, hidden_.data(), gemm, stream);
  LaunchBiasSilu(hidden_.data(), SmallRow{}, rows, dim_, hidden_.data(), stream);
  float* fused = gate == nullptr ? out : fused_.data();
  Map(hidden_.data(), fuse_out_, fuse_bias_, fused, gemm, stream);
  if (gate != nullptr) LaunchBlend(fused, *gate, rows, dim_, out, stream);
}

DeviceArray<float> NodeBases::BufferForBase() {
  // Work in the stream that still reads an older batch's comes before what overwrites it.
  if (static_cast<int64_t>(entries_.size()) >= max_bases_ && entries_.Oldest().batch != batch_) {
    return entries_.TakeOldest().base;
  }
  return DeviceArray<float>((config_.nodes + 1) * dim_);
}

const float* NodeBases::Base(int64_t time, const float* time_bias, int64_t cell_embedding_row,
                             const cpu::Molecule<float>* molecule, const Gemm& gemm,
                             cudaStream_t stream) {
  const Key key{time, cell_embedding_row, molecule == nullptr ? "" : molecule->key};
  if (Entry* const found = entries_.Find(key)) {
    found->batch = batch_;
    return found->base.data();
  }
  DeviceArray<float> base = BufferForBase();
  SmallRow drug, gate;
  bool gated = false;
  if (molecule != nullptr) {
    drug = Small(inputs_.DrugTerm(*molecule));
    const auto values = inputs_.Gate(*molecule);
    gated = !values.empty();
    gate = Small(values);
  }
  Compute(Small(inputs_.Bias(cell_embedding_row, time_bias)), molecule == nullptr ? nullptr : &drug,
          gated ? &gate : nullptr, base.data(), gemm, stream);
  return entries_.Insert(key, {std::move(base), batch_})->base.data();
}

}  // namespace unlasting::model::cuda
