#include "core/model/cpu/prior.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/model/spec/expected_response.h"
#include "core/model/spec/propagation.h"

namespace unlasting::model::cpu {
namespace {

// As bytes: equal for equal numbers, and cheaper than their decimals.
template <typename V>
void Append(const V& value, std::string* key) {
  key->append(reinterpret_cast<const char*>(&value), sizeof(value));
}

}  // namespace

template <typename T>
Priors<T>::Priors(bool denoiser, const ModelConfig& config, const NetworkWeights<T>& arrays)
    : denoiser_(denoiser), config_(config) {
  const int64_t n = config.genes;
  const auto slice = [n](const AlignedVector<T>& table, int64_t type) {
    return AlignedVector<T>(table.begin() + type * n, table.begin() + (type + 1) * n);
  };
  for (int64_t type = 0; type < config.cell_types; ++type) {
    auto prior = std::make_shared<Prior<T>>();
    prior->mean = slice(arrays.at("prior_mean"), type);
    prior->variance = slice(arrays.at("prior_variance"), type);
    for (const T variance : prior->variance) prior->deviation.push_back(std::sqrt(variance));
    if (!denoiser) prior->logit = slice(arrays.at("active_logit"), type);
    prior->cell_embedding_row = static_cast<int32_t>(type);
    types_.push_back(std::move(prior));
  }
  if (!config.expected_response) return;
  const auto& nodes = arrays.indices.at("response_nodes");
  drug_ = arrays.indices.at("response_drug");
  dose_ = arrays.at("response_dose");
  coefficients_ = arrays.at("response_coefficients");
  basis_ = arrays.at("response_basis");
  drug_features_ = arrays.at("response_drugs");
  if (arrays.values.count("response_met_basis") > 0) {
    met_coefficients_ = arrays.at("response_met_coefficients");
    met_basis_ = arrays.at("response_met_basis");
  }
  genes_ = static_cast<int64_t>(nodes.size());
  entries_ = genes_ + 1 + static_cast<int64_t>(drug_.size());
  if (config.molecule_features > 0) {
    drugs_ = static_cast<int64_t>(drug_features_.size()) / config.molecule_features;
  }
  entry_of_node_.assign(config.nodes, -1);
  for (int64_t g = 0; g < genes_; ++g) entry_of_node_[nodes[g]] = static_cast<int32_t>(g);
  if (denoiser && config.condition > 0) condition_ = ConditionTerms<T>(config, arrays);
  if (arrays.values.count("response_self_effect") == 0) return;
  self_effect_ = arrays.at("response_self_effect");
  edges_ = arrays.at("response_edge_weights");
  gain_ = arrays.at("response_gain");
  damping_ = arrays.at("response_damping")[0];
  edge_indptr_ = arrays.edge_indptr;
  edge_source_ = arrays.edge_source;
}

template <typename T>
typename Priors<T>::Weights Priors<T>::WeightsOf(absl::Span<const int32_t> knockout,
                                                 const Molecule<T>* molecule) const {
  Weights weights;
  weights.entries.assign(entries_, T{0});
  if (molecule == nullptr) {
    weights.known = !knockout.empty();
    for (const int32_t node : knockout) {
      const int32_t entry = entry_of_node_[node];
      weights.entries[entry < 0 ? genes_ : entry] += T{1};
      if (entry < 0) weights.known = false;
    }
    return weights;
  }
  T squares = 0;
  for (const T value : molecule->features) squares += value * value;
  const T length = std::sqrt(squares);
  std::vector<T> near(drugs_, T{0});
  for (int64_t k = 0; k < config_.molecule_features; ++k) {
    const T value = molecule->features[k] / std::max(length, static_cast<T>(1e-12));
    if (value == T{0}) continue;
    for (int64_t d = 0; d < drugs_; ++d) near[d] += value * drug_features_[k * drugs_ + d];
  }
  for (T& similarity : near) {
    const bool same = similarity > static_cast<T>(kResponseSame);
    weights.known |= same;
    similarity = (similarity - T{1}) / static_cast<T>(kResponseSimilarity) +
                 (same ? static_cast<T>(kResponseBonus) : T{0});
  }
  T* drugs = weights.entries.data() + genes_ + 1;
  T peak = -std::numeric_limits<T>::infinity(), sum = 0;
  for (size_t m = 0; m < drug_.size(); ++m) {
    const T apart = (molecule->log10_dose_um - dose_[m]) / static_cast<T>(kResponseDecades);
    drugs[m] = near[drug_[m]] - T{0.5} * apart * apart;
    peak = std::max(peak, drugs[m]);
  }
  for (size_t m = 0; m < drug_.size(); ++m) sum += drugs[m] = std::exp(drugs[m] - peak);
  for (size_t m = 0; m < drug_.size(); ++m) drugs[m] /= sum;
  return weights;
}

template <typename T>
void Priors<T>::AddPropagated(int32_t cell_type, absl::Span<const int32_t> knockout,
                              AlignedVector<T>* response) const {
  const T* own = self_effect_.data() + cell_type * config_.nodes;
  std::vector<bool> perturbed(config_.nodes, false);
  std::vector<T> start(config_.nodes, T{0});
  bool any = false;
  for (const int32_t node : knockout) {
    perturbed[node] = true;
    if (entry_of_node_[node] >= 0) continue;
    start[node] = own[node];
    any |= own[node] != T{0};
  }
  if (!any) return;
  const std::vector<T> change = Propagate<T>(edge_indptr_, edge_source_, edges_, start, perturbed);
  const int64_t n = config_.genes;
  for (size_t k = 0; k < response->size(); ++k) {
    const size_t g = k % n;
    (*response)[k] += gain_[k] * (start[g] + damping_ * (change[g] - start[g]));
  }
}

template <typename T>
AlignedVector<T> Priors<T>::Mix(const std::vector<T>& weights, int32_t cell_type,
                                const AlignedVector<T>& coefficients, const AlignedVector<T>& basis,
                                int64_t columns) const {
  const int64_t rank = static_cast<int64_t>(basis.size()) / columns;
  AlignedVector<T> mixed(rank, T{0}), response(columns, T{0});
  const T* of_type = coefficients.data() + cell_type * entries_ * rank;
  for (int64_t e = 0; e < entries_; ++e) {
    if (weights[e] == T{0}) continue;
    for (int64_t r = 0; r < rank; ++r) mixed[r] += weights[e] * of_type[e * rank + r];
  }
  for (int64_t r = 0; r < rank; ++r) {
    if (mixed[r] == T{0}) continue;
    const T* row = basis.data() + r * columns;
    for (int64_t k = 0; k < columns; ++k) response[k] += mixed[r] * row[k];
  }
  return response;
}

template <typename T>
std::shared_ptr<const Prior<T>> Priors<T>::Compute(int32_t cell_type,
                                                   absl::Span<const int32_t> knockout,
                                                   const Molecule<T>* molecule) const {
  const Weights weights = WeightsOf(knockout, molecule);
  const int64_t n = config_.genes;
  AlignedVector<T> response =
      Mix(weights.entries, cell_type, coefficients_, basis_, denoiser_ ? 2 * n : n);
  if (!self_effect_.empty()) AddPropagated(cell_type, knockout, &response);
  auto prior = std::make_shared<Prior<T>>(*types_[cell_type]);
  prior->deviation.clear();
  const bool from_control = denoiser_ && config_.trained_from_control;
  const bool named = weights.known && (!from_control || knockout.size() <= 1);
  prior->cell_embedding_row += named ? static_cast<int32_t>(config_.cell_types) : 0;
  const auto bound = static_cast<T>(kResponseLogVariance);
  if (!condition_.empty()) {
    const bool told_names = named || !from_control;
    prior->condition = condition_.Compute(
        response, prior->variance, told_names ? knockout : absl::Span<const int32_t>(),
        told_names && molecule != nullptr ? molecule->features : absl::Span<const T>());
  }
  if (from_control && named) {
    prior->change.assign(response.begin(), response.begin() + n);
    if (!met_basis_.empty()) {
      prior->met_change = Mix(weights.entries, cell_type, met_coefficients_, met_basis_, n);
    }
    return prior;
  }
  for (int64_t g = 0; g < n; ++g) {
    if (denoiser_) {
      prior->mean[g] += response[g];
      prior->variance[g] *= std::exp(std::clamp(response[n + g], -bound, bound));
    } else {
      prior->logit[g] += response[g];
    }
  }
  return prior;
}

template <typename T>
std::shared_ptr<const Prior<T>> Priors<T>::OfPerturbed(int32_t cell_type,
                                                       absl::Span<const int32_t> knockout,
                                                       const Molecule<T>* molecule) {
  if (!config_.expected_response || (knockout.empty() && molecule == nullptr))
    return types_[cell_type];
  std::string key;
  Append(cell_type, &key);
  if (molecule != nullptr) key += molecule->key;
  for (const int32_t node : knockout) Append(node, &key);
  if (const auto* const found = kept_.Find(key)) return *found;
  auto prior = Compute(cell_type, knockout, molecule);
  kept_.Insert(key, prior);
  if (kept_.size() > kMaxKept) kept_.TakeOldest();
  return prior;
}

template <typename T>
std::vector<T> Priors<T>::MeanChange(int32_t cell_type, absl::Span<const int32_t> knockout,
                                     const Molecule<T>* molecule) {
  const auto perturbed = OfPerturbed(cell_type, knockout, molecule);
  const AlignedVector<T>& met =
      perturbed->met_change.empty() ? perturbed->change : perturbed->met_change;
  if (!met.empty()) return {met.begin(), met.end()};
  const AlignedVector<T>& control = types_[cell_type]->mean;
  std::vector<T> change(control.size());
  for (size_t g = 0; g < change.size(); ++g) change[g] = perturbed->mean[g] - control[g];
  return change;
}

template <typename T>
std::shared_ptr<const Prior<T>> Priors<T>::ControlsOf(const NewContext& context) {
  const std::string key = "new/" + context.key;
  if (const auto* const found = kept_.Find(key)) return *found;
  // Variances are the same for every type.
  auto prior = std::make_shared<Prior<T>>(*types_[context.nearest]);
  prior->mean.assign(context.mean.begin(), context.mean.end());
  if (!denoiser_) prior->logit.assign(context.active_logit.begin(), context.active_logit.end());
  kept_.Insert(key, prior);
  if (kept_.size() > kMaxKept) kept_.TakeOldest();
  return prior;
}

template <typename T>
std::shared_ptr<const Prior<T>> Priors<T>::OfNewContext(const NewQuery& query) {
  const NewContext& context = *query.context;
  const std::shared_ptr<const Prior<T>> controls = ControlsOf(context);
  if (query.knockout.empty() && query.molecule == nullptr) return controls;
  std::string key = "new/" + context.key + "/";
  if (query.molecule != nullptr) key += query.molecule->key;
  if (query.molecule == nullptr) {
    for (const int32_t node : query.knockout) Append(node, &key);
  }
  if (const auto* const found = kept_.Find(key)) return *found;
  auto prior = std::make_shared<Prior<T>>(*controls);
  prior->deviation.clear();
  // A network that moves cells by itself has learnt to do so in its own contexts alone.
  const bool from_control = denoiser_ && config_.trained_from_control;
  if (!from_control) {
    prior->cell_embedding_row =
        OfPerturbed(context.nearest, query.knockout, query.molecule)->cell_embedding_row;
  }
  // The spread is that of the control cells: how it responds does not carry over.
  for (const BorrowedType& from : BorrowFrom(context, *query.measured)) {
    const auto there = OfPerturbed(from.type, query.knockout, query.molecule);
    const Prior<T>& type = *types_[from.type];
    for (int64_t g = 0; g < config_.genes; ++g) {
      if (denoiser_) {
        const T changed = there->change.empty() ? there->mean[g] - type.mean[g] : there->change[g];
        prior->mean[g] += static_cast<T>(from.borrowed * changed +
                                         from.mean_pull * (controls->mean[g] - type.mean[g]));
      } else {
        prior->logit[g] += static_cast<T>(from.borrowed * (there->logit[g] - type.logit[g]) +
                                          from.share_pull * (controls->logit[g] - type.logit[g]));
      }
    }
  }
  if (!condition_.empty()) {
    AlignedVector<T> response(2 * config_.genes, T{0});
    for (int64_t g = 0; g < config_.genes; ++g) response[g] = prior->mean[g] - controls->mean[g];
    prior->condition = condition_.Compute(
        response, controls->variance, from_control ? absl::Span<const int32_t>() : query.knockout,
        !from_control && query.molecule != nullptr ? query.molecule->features
                                                   : absl::Span<const T>());
  }
  kept_.Insert(key, prior);
  if (kept_.size() > kMaxKept) kept_.TakeOldest();
  return prior;
}

template <typename T>
std::vector<T> Priors<T>::MeanChangeIn(const NewQuery& query) {
  const auto perturbed = OfNewContext(query);
  std::vector<T> change(perturbed->mean.size());
  for (size_t g = 0; g < change.size(); ++g) {
    change[g] = perturbed->mean[g] - static_cast<T>(query.context->mean[g]);
  }
  return change;
}

template class Priors<float>;
template class Priors<double>;

}  // namespace unlasting::model::cpu
