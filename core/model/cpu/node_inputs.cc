#include "core/model/cpu/node_inputs.h"

#include <algorithm>
#include <cmath>

namespace unlasting::model::cpu {
namespace {

constexpr int64_t kTile = 60;

}  // namespace

template <typename T>
NodeInputs<T>::NodeInputs(const ModelConfig& config, const NetworkWeights<T>& arrays)
    : config_(config), dim_(Padded(config.dim)) {
  const int64_t d = config.dim;
  const auto square = [&](const char* name) {
    return PackedMatrix<T>(arrays.at(name).data(), d, d, dim_);
  };
  const auto row = [&](const char* name) { return PadRows(arrays.at(name).data(), 1, d, dim_); };
  const AlignedVector<T> embedding =
      PadRows(arrays.at("gene_embedding").data(), config.nodes, d, dim_);
  gene_.resize(config.nodes * dim_);
  square("phi_gene")
      .Multiply(embedding.data(), dim_, config.nodes, nullptr, false, gene_.data(), dim_);
  cell_ = PadRows(arrays.at("phi_cell").data(), config.cell_embedding_rows(), d, dim_);
  const AlignedVector<T> phi_bias = row("phi_bias");
  for (size_t k = 0; k < cell_.size(); ++k) cell_[k] += phi_bias[k % dim_];
  phi_out_ = square("phi_out");
  phi_bias_ = row("phi_out_bias");
  if (config.molecule_features == 0) return;
  drug_in_ = PackedMatrix<T>(arrays.at("drug_in").data(), config.molecule_features, d,
                             config.molecule_features);
  drug_out_ = square("drug_out");
  fuse_gene_ = square("fuse_gene");
  fuse_drug_ = square("fuse_drug");
  fuse_out_ = square("fuse_out");
  if (config.dose_gate == "sigmoid") {
    gate_bias_ = row("gate_bias");
    gate_hill_ = row("gate_log_hill");
    constexpr double kLogOfTen = 2.302585092994046;
    for (int64_t k = 0; k < dim_; ++k) {
      gate_hill_[k] = k < d ? static_cast<T>(kLogOfTen) * std::exp(gate_hill_[k]) : T{0};
    }
  } else {
    drug_dose_ = row("drug_dose");
  }
  drug_bias_ = row("drug_bias");
  drug_out_bias_ = row("drug_out_bias");
  fuse_bias_ = row("fuse_bias");
  fuse_out_bias_ = row("fuse_out_bias");
}

template <typename T>
AlignedVector<T> NodeInputs<T>::Bias(int64_t cell_embedding_row, const T* time_bias) const {
  AlignedVector<T> bias(cell_.begin() + cell_embedding_row * dim_,
                        cell_.begin() + (cell_embedding_row + 1) * dim_);
  for (int64_t k = 0; k < dim_ && time_bias != nullptr; ++k) bias[k] += time_bias[k];
  return bias;
}

template <typename T>
AlignedVector<T> NodeInputs<T>::DrugTerm(const Molecule<T>& molecule) const {
  AlignedVector<T> hidden = drug_bias_, drug(dim_), term(dim_);
  for (size_t k = 0; k < drug_dose_.size(); ++k) {
    hidden[k] += molecule.log10_dose_um * drug_dose_[k];
  }
  drug_in_.Multiply(molecule.features.data(), config_.molecule_features, 1, nullptr, true,
                    hidden.data(), dim_);
  BestKernels<T>().silu(hidden.data(), dim_);
  drug_out_.Multiply(hidden.data(), dim_, 1, drug_out_bias_.data(), false, drug.data(), dim_);
  fuse_drug_.Multiply(drug.data(), dim_, 1, fuse_bias_.data(), false, term.data(), dim_);
  return term;
}

template <typename T>
AlignedVector<T> NodeInputs<T>::Gate(const Molecule<T>& molecule) const {
  AlignedVector<T> gate(gate_bias_.size());
  for (size_t k = 0; k < gate.size(); ++k) {
    gate[k] = T{1} / (T{1} + std::exp(-(gate_bias_[k] + molecule.log10_dose_um * gate_hill_[k])));
  }
  return gate;
}

template <typename T>
void NodeInputs<T>::Compute(const T* genes, int64_t rows, const T* bias, const T* drug,
                            const T* gate, T* out) const {
  AlignedVector<T> hidden(rows * dim_);
  for (int64_t k = 0; k < rows * dim_; ++k) hidden[k] = genes[k] + bias[k % dim_];
  BestKernels<T>().silu(hidden.data(), rows * dim_);
  phi_out_.Multiply(hidden.data(), dim_, rows, phi_bias_.data(), false, out, dim_);
  if (drug == nullptr) return;
  AlignedVector<T> alone;
  if (gate != nullptr) alone.assign(out, out + rows * dim_);
  fuse_gene_.Multiply(out, dim_, rows, drug, false, hidden.data(), dim_);
  BestKernels<T>().silu(hidden.data(), rows * dim_);
  fuse_out_.Multiply(hidden.data(), dim_, rows, fuse_out_bias_.data(), false, out, dim_);
  for (size_t k = 0; k < alone.size(); ++k) {
    out[k] = alone[k] + gate[static_cast<int64_t>(k) % dim_] * (out[k] - alone[k]);
  }
}

template <typename T>
std::shared_ptr<const NodeBase<T>> NodeInputs<T>::Base(int64_t time, const T* time_bias,
                                                       int64_t cell_embedding_row,
                                                       const Molecule<T>* molecule,
                                                       ThreadTeam* team) {
  const Key key{time, cell_embedding_row, molecule == nullptr ? "" : molecule->key};
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (const auto* const found = bases_.Find(key)) return *found;
  }
  const AlignedVector<T> bias = Bias(cell_embedding_row, time_bias);
  AlignedVector<T> drug, gate;
  if (molecule != nullptr) {
    drug = DrugTerm(*molecule);
    gate = Gate(*molecule);
  }
  const T* drug_term = molecule == nullptr ? nullptr : drug.data();
  const T* drug_gate = gate.empty() ? nullptr : gate.data();

  auto base = std::make_shared<NodeBase<T>>();
  base->nodes.resize(config_.nodes * dim_);
  base->knocked_out.resize(dim_);
  const AlignedVector<T> no_gene(dim_, T{0});
  Compute(no_gene.data(), 1, bias.data(), drug_term, drug_gate, base->knocked_out.data());
  team->Run((config_.nodes + kTile - 1) / kTile, [&](int64_t tile, int) {
    const int64_t first = tile * kTile, rows = std::min(kTile, config_.nodes - first);
    Compute(gene_.data() + first * dim_, rows, bias.data(), drug_term, drug_gate,
            base->nodes.data() + first * dim_);
  });

  const std::lock_guard<std::mutex> lock(mutex_);
  const auto bytes = static_cast<int64_t>(base->nodes.size() * sizeof(T));
  const std::shared_ptr<const NodeBase<T>> kept = *bases_.Insert(key, std::move(base));
  while (bases_.size() > 1 && static_cast<int64_t>(bases_.size()) * bytes > kCacheBytes) {
    bases_.TakeOldest();
  }
  return kept;
}

template class NodeInputs<float>;
template class NodeInputs<double>;

}  // namespace unlasting::model::cpu
