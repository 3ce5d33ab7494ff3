#include "core/model/cpu/cpu_network.h"

#include <algorithm>
#include <cmath>

namespace unlasting::model::cpu {
namespace {

// Rows of one share of the dense part at least: below, its weights are read for too little.
constexpr int64_t kMinDenseRows = 6;
constexpr int64_t kNoTime = -1;

}  // namespace

template <typename T>
CpuNetwork<T>::CpuNetwork(bool denoiser, const ModelConfig& config, const NetworkWeights<T>& arrays,
                          int threads)
    : denoiser_(denoiser),
      config_(config),
      preconditioned_(!denoiser || config.recipe == "preconditioned"),
      cell_in_grn_(denoiser && config.grn_inputs == "paper"),
      team_(threads),
      genes_stride_(Padded(config.genes)),
      nodes_stride_(Padded(config.nodes)),
      node_inputs_(config, arrays),
      grn_(config, arrays),
      priors_(denoiser, config, arrays) {
  if (denoiser || config.mask_head == "dense") {
    decoder_ = Perceptron<T>(config, arrays, "decoder", config.nodes);
  }
  if (denoiser) {
    block_ = Perceptron<T>(config, arrays, "block", config.genes);
    alpha_bar_ = arrays.at("alpha_bar");
    frequency_ = arrays.at("frequency");
    time_bias_ = arrays.at("time_bias");
    const auto features = static_cast<int64_t>(time_bias_.size());
    const auto waves = static_cast<int64_t>(2 * frequency_.size());
    time_bias_.resize(Padded(features));
    time_weight_ = PackedMatrix<T>(arrays.at("time_weight").data(), waves, features, waves);
    phi_time_map_ =
        PackedMatrix<T>(arrays.at("phi_time").data(), features, config.dim, Padded(features));
  }
  workers_.resize(threads);
  for (auto& worker : workers_) {
    worker.grn = grn_.MakeScratch();
    worker.control.resize(genes_stride_);
  }
}

template <typename T>
const typename CpuNetwork<T>::TimeTerms& CpuNetwork<T>::TermsOf(int32_t time) {
  const auto [place, added] = time_terms_.try_emplace(time);
  if (!added) return place->second;
  const size_t half = frequency_.size();
  AlignedVector<T> wave(2 * half);
  for (size_t k = 0; k < half; ++k) {
    // The product is rounded as the networks round it: at late times its last bit is seen.
    const T angle = static_cast<T>(time) * frequency_[k];
    wave[k] = std::sin(angle);
    wave[half + k] = std::cos(angle);
  }
  AlignedVector<T> features(time_bias_.size());
  time_weight_.Multiply(wave.data(), time_weight_.depth(), 1, time_bias_.data(), false,
                        features.data(), time_weight_.columns());
  BestKernels<T>().silu(features.data(), static_cast<int64_t>(features.size()));
  TimeTerms& terms = place->second;
  terms.phi.resize(phi_time_map_.columns());
  phi_time_map_.Multiply(features.data(), phi_time_map_.depth(), 1, nullptr, false,
                         terms.phi.data(), phi_time_map_.columns());
  terms.block = block_.TimeTerm(features);
  terms.decoder = decoder_.TimeTerm(features);
  return terms;
}

template <typename T>
void CpuNetwork<T>::FindPriors(absl::Span<const NetworkRow<T>> rows) {
  row_priors_.resize(rows.size());
  for (size_t r = 0; r < rows.size(); ++r) {
    const NetworkRow<T>& row = rows[r];
    // Rows of a perturbation mostly stand together.
    const bool as_before = r > 0 && row.control != nullptr && rows[r - 1].control != nullptr &&
                           rows[r - 1].cell_type == row.cell_type &&
                           rows[r - 1].context == row.context &&
                           rows[r - 1].molecule == row.molecule &&
                           rows[r - 1].knockout.data() == row.knockout.data() &&
                           rows[r - 1].knockout.size() == row.knockout.size();
    row_priors_[r] = as_before ? row_priors_[r - 1] : PriorOf(row);
  }
}

template <typename T>
std::shared_ptr<const Prior<T>> CpuNetwork<T>::PriorOf(const NetworkRow<T>& row) {
  const bool source = row.control == nullptr;
  if (row.context == nullptr) {
    return source ? priors_.OfType(row.cell_type)
                  : priors_.OfPerturbed(row.cell_type, row.knockout, row.molecule);
  }
  typename Priors<T>::NewQuery query;
  query.context = row.context;
  query.measured = row.measured;
  if (!source) {
    query.knockout = row.knockout;
    query.molecule = row.molecule;
  }
  return priors_.OfNewContext(query);
}

template <typename T>
std::shared_ptr<const NodeBase<T>> CpuNetwork<T>::BaseOf(const NetworkRow<T>& row,
                                                         const Prior<T>& prior) {
  const T* bias = cell_in_grn_ ? TermsOf(row.time).phi.data() : nullptr;
  return node_inputs_.Base(cell_in_grn_ ? row.time : kNoTime, bias, prior.cell_embedding_row,
                           row.molecule, &team_);
}

template <typename T>
void CpuNetwork<T>::StandardiseControl(const NetworkRow<T>& row, T* control) const {
  const Prior<T>& type = *priors_.OfType(row.cell_type);
  if (row.context != nullptr) {
    for (int64_t g = 0; g < config_.genes; ++g) {
      control[g] = (row.control[g] - static_cast<T>(row.context->mean[g])) / type.deviation[g];
    }
    return;
  }
  for (int64_t g = 0; g < config_.genes; ++g) {
    control[g] = (row.control[g] - type.mean[g]) / type.deviation[g];
  }
}

// The skip's normalised input (core/model/torch/source.cc, `skip`).
template <typename T>
void CpuNetwork<T>::Standardise(const NetworkRow<T>& row, const Prior<T>& prior, T* state) const {
  if (!preconditioned_) {
    std::copy_n(row.x_t, config_.genes, state);
    return;
  }
  const T abar = alpha_bar_[row.time], variance = (T{1} - abar) / abar, root = std::sqrt(abar);
  const T* mean = prior.mean.data();
  const T* s2 = prior.variance.data();
  for (int64_t g = 0; g < config_.genes; ++g) {
    state[g] = (row.x_t[g] / root - mean[g]) / std::sqrt(s2[g] + variance);
  }
}

template <typename T>
void CpuNetwork<T>::Finish(const NetworkRow<T>& row, const Prior<T>& prior,
                           const T* network_output) const {
  const int64_t genes = config_.genes;
  if (!denoiser_) {
    for (int64_t g = 0; g < genes; ++g) row.out[g] = network_output[g] + prior.logit[g];
    return;
  }
  if (preconditioned_) {
    const T abar = alpha_bar_[row.time], variance = (T{1} - abar) / abar, root = std::sqrt(abar);
    const T* mean = prior.mean.data();
    const T* s2 = prior.variance.data();
    for (int64_t g = 0; g < genes; ++g) {
      const T total = s2[g] + variance;
      const T base = mean[g] + s2[g] / total * (row.x_t[g] / root - mean[g]);
      row.out[g] = base + std::sqrt(variance * s2[g] / total) * network_output[g];
    }
  } else {
    std::copy_n(network_output, genes, row.out);
  }
  if (config_.control_residual && row.control != nullptr) {
    for (int64_t g = 0; g < genes; ++g) row.out[g] += row.control[g];
  }
}

template <typename T>
AlignedVector<T>* CpuNetwork<T>::Kept(const NetworkRow<T>& row) {
  if (!denoiser_ || cell_in_grn_) return nullptr;
  const bool source = row.control == nullptr && row.knockout.empty() && row.molecule == nullptr;
  return source ? &source_gene_readout_[row.cell_type] : row.gene_readout;
}

template <typename T>
void CpuNetwork<T>::Reserve(int64_t rows) {
  const int64_t hidden = std::max(block_.hidden(), decoder_.hidden());
  if (static_cast<int64_t>(gene_readout_.size()) >= rows * nodes_stride_) return;
  state_.resize(rows * genes_stride_);
  gene_readout_.resize(rows * nodes_stride_);
  network_output_.resize(rows * genes_stride_);
  first_.resize(rows * hidden);
  second_.resize(rows * hidden);
}

template <typename T>
void CpuNetwork<T>::RunGrn(absl::Span<const NetworkRow<T>> rows) {
  // Rows that wait for a result which another row of this call makes come last: sources of one cell
  // type share theirs.
  std::vector<int64_t> to_run;
  std::vector<AlignedVector<T>*> kept(rows.size());
  std::vector<AlignedVector<T>*> being_computed;
  bases_.assign(rows.size(), nullptr);
  for (size_t r = 0; r < rows.size(); ++r) {
    kept[r] = Kept(rows[r]);
    const bool there = kept[r] != nullptr && !kept[r]->empty();
    if (there || std::count(being_computed.begin(), being_computed.end(), kept[r]) > 0) continue;
    if (kept[r] != nullptr) being_computed.push_back(kept[r]);
    bases_[r] = BaseOf(rows[r], *row_priors_[r]);
    to_run.push_back(static_cast<int64_t>(r));
  }
  team_.Run(static_cast<int64_t>(to_run.size()), [&](int64_t task, int worker) {
    const int64_t r = to_run[task];
    const NetworkRow<T>& row = rows[r];
    WorkerScratch& scratch = workers_[worker];
    typename GrnBlock<T>::Inputs inputs;
    inputs.base = bases_[r].get();
    inputs.knockout = row.knockout;
    if (row.control != nullptr) {
      inputs.control = row.control;
      if (preconditioned_) {
        StandardiseControl(row, scratch.control.data());
        inputs.control = scratch.control.data();
      }
    }
    if (cell_in_grn_) inputs.state = state_.data() + r * genes_stride_;
    T* gene_readout = gene_readout_.data() + r * nodes_stride_;
    grn_.Run(inputs, &scratch.grn, gene_readout);
    if (kept[r] != nullptr) kept[r]->assign(gene_readout, gene_readout + config_.nodes);
  });
  for (size_t r = 0; r < rows.size(); ++r) {
    if (kept[r] == nullptr) continue;
    std::copy(kept[r]->begin(), kept[r]->end(), gene_readout_.begin() + r * nodes_stride_);
  }
}

template <typename T>
void CpuNetwork<T>::RunDense(absl::Span<const NetworkRow<T>> rows) {
  const auto count = static_cast<int64_t>(rows.size());
  cell_embedding_rows_.assign(count, 0);
  block_times_.assign(count, nullptr);
  decoder_times_.assign(count, nullptr);
  block_conditions_.assign(count, nullptr);
  decoder_conditions_.assign(count, nullptr);
  for (int64_t r = 0; r < count; ++r) {
    cell_embedding_rows_[r] = row_priors_[r]->cell_embedding_row;
    if (!denoiser_) continue;
    const auto& condition = row_priors_[r]->condition;
    if (!condition.block.empty()) {
      block_conditions_[r] = condition.block.data();
      decoder_conditions_[r] = condition.decoder.data();
    }
    const TimeTerms& terms = TermsOf(rows[r].time);
    block_times_[r] = terms.block.data();
    decoder_times_[r] = terms.decoder.data();
  }
  const int64_t shares =
      std::clamp<int64_t>((count + kMinDenseRows - 1) / kMinDenseRows, 1, team_.threads());
  const int64_t hidden = std::max(block_.hidden(), decoder_.hidden());
  team_.Run(shares, [&](int64_t share, int) {
    const int64_t begin = count * share / shares, size = count * (share + 1) / shares - begin;
    T* gene_readout = gene_readout_.data() + begin * nodes_stride_;
    T* network_output = network_output_.data() + begin * genes_stride_;
    T* first = first_.data() + begin * hidden;
    T* second = second_.data() + begin * hidden;
    const int32_t* states = cell_embedding_rows_.data() + begin;
    if (denoiser_) {
      block_.Run(state_.data() + begin * genes_stride_, genes_stride_, size, states,
                 block_times_.data() + begin, block_conditions_.data() + begin,
                 /*accumulate=*/true, first, second, gene_readout, nodes_stride_);
    }
    const bool add = !denoiser_;
    if (add) {
      for (int64_t r = 0; r < size; ++r) {
        std::copy_n(gene_readout + r * nodes_stride_, config_.genes,
                    network_output + r * genes_stride_);
      }
    }
    if (decoder_.hidden() > 0) {
      decoder_.Run(gene_readout, nodes_stride_, size, states, decoder_times_.data() + begin,
                   decoder_conditions_.data() + begin, add, first, second, network_output,
                   genes_stride_);
    }
    for (int64_t r = 0; r < size; ++r) {
      Finish(rows[begin + r], *row_priors_[begin + r], network_output + r * genes_stride_);
    }
  });
}

template <typename T>
void CpuNetwork<T>::Run(absl::Span<const NetworkRow<T>> rows) {
  if (rows.empty()) return;
  Reserve(static_cast<int64_t>(rows.size()));
  FindPriors(rows);
  if (denoiser_) {
    for (size_t r = 0; r < rows.size(); ++r) {
      Standardise(rows[r], *row_priors_[r], state_.data() + r * genes_stride_);
    }
  }
  RunGrn(rows);
  RunDense(rows);
}

template class CpuNetwork<float>;
template class CpuNetwork<double>;

}  // namespace unlasting::model::cpu
