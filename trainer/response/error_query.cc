#include "trainer/response/error_query.h"

#include <algorithm>
#include <cmath>
#include <deque>

#include "absl/types/span.h"
#include "core/molecule/featurizer.h"
#include "trainer/response/context_rule.h"

namespace unlasting::trainer {
namespace {

double Cosine(absl::Span<const float> a, absl::Span<const float> b) {
  double products = 0, a_squares = 0, b_squares = 0;
  for (size_t k = 0; k < std::min(a.size(), b.size()); ++k) {
    products += static_cast<double>(a[k]) * b[k];
    a_squares += static_cast<double>(a[k]) * a[k];
    b_squares += static_cast<double>(b[k]) * b[k];
  }
  return a_squares > 0 && b_squares > 0 ? products / std::sqrt(a_squares * b_squares) : 0.0;
}

}  // namespace

ErrorQueries::ErrorQueries(const TrainingData& data, const ConditionMoments& moments,
                           const grn::Graph& graph)
    : data_(data), moments_(moments) {
  for (const auto& [condition, by_type] : moments.perturbed()) {
    for (const auto& [type, unused] : by_type) types_.insert(type);
  }
  MeasureHops(graph);
}

// Breadth first from all perturbed genes at once, along edges either way.
void ErrorQueries::MeasureHops(const grn::Graph& graph) {
  std::vector<std::vector<int32_t>> neighbours(graph.nodes());
  for (int64_t target = 0; target < graph.nodes(); ++target) {
    for (int64_t e = graph.indptr[target]; e < graph.indptr[target + 1]; ++e) {
      if (graph.sources[e] == target) continue;
      neighbours[target].push_back(graph.sources[e]);
      neighbours[graph.sources[e]].push_back(static_cast<int32_t>(target));
    }
  }
  hops_.assign(graph.nodes(), bundle::kMostHops);
  std::deque<int32_t> reached;
  for (const auto& [condition, unused] : moments_.perturbed()) {
    for (const int32_t node : data_.condition_inputs(condition).knockout) {
      if (hops_[node] == 0) continue;
      hops_[node] = 0;
      reached.push_back(node);
    }
  }
  while (!reached.empty()) {
    const int32_t node = reached.front();
    reached.pop_front();
    for (const int32_t neighbour : neighbours[node]) {
      if (hops_[neighbour] <= hops_[node] + 1) continue;
      hops_[neighbour] = hops_[node] + 1;
      reached.push_back(neighbour);
    }
  }
}

ErrorQueries::Novelty ErrorQueries::OfGenes(const std::vector<int32_t>& knockout) const {
  int32_t farthest = 0;
  for (const int32_t node : knockout) farthest = std::max(farthest, hops_[node]);
  return {bundle::GenesAsked(knockout.size(), farthest > 0), static_cast<double>(farthest)};
}

ErrorQueries::Novelty ErrorQueries::OfStimulus(int32_t condition) const {
  const auto& conditions = data_.prepared().data.conditions;
  const cells::Condition& asked = conditions[condition];
  const ConditionInputs& inputs = data_.condition_inputs(condition);
  const bundle::StimulusLayout& layout = data_.stimuli();
  const auto features = [&](const ConditionInputs& of) {
    const absl::Span<const float> all(of.molecule);
    return asked.treatment ? all.subspan(layout.molecule_features, layout.treatment_features)
                           : all.subspan(0, layout.molecule_features);
  };
  const bool fingerprints = !asked.treatment && data_.molecule_embeddings().empty();
  double apart = HUGE_VAL, similarity = -1;
  for (const auto& [other, unused] : moments_.perturbed()) {
    const ConditionInputs& known = data_.condition_inputs(other);
    if (known.molecule.empty() || conditions[other].treatment != asked.treatment) continue;
    if (conditions[other].name == asked.name) {
      apart = std::min(apart, std::abs(static_cast<double>(known.log10_dose_um) -
                                       static_cast<double>(inputs.log10_dose_um)));
    }
    similarity =
        std::max(similarity, fingerprints ? molecule::Similarity(features(known), features(inputs))
                                          : Cosine(features(known), features(inputs)));
  }
  if (apart < HUGE_VAL) return {bundle::kDoseAsked, apart};
  if (asked.treatment && data_.treatment_vectors().empty()) return {"", 0};
  return {asked.treatment ? "treatment" : "drug", 1 - similarity};
}

bundle::ErrorQuery ErrorQueries::Of(int32_t condition, int32_t type) const {
  bundle::ErrorQuery query;
  const cells::Condition& asked = data_.prepared().data.conditions[condition];
  const ConditionInputs& inputs = data_.condition_inputs(condition);
  const auto known = moments_.perturbed().find(condition);
  const bool seen = known != moments_.perturbed().end();
  std::string perturbation;
  if (seen) {
    perturbation = asked.treatment            ? "treatment"
                   : !inputs.molecule.empty() ? "drug"
                                              : bundle::GenesAsked(inputs.knockout.size(), false);
  } else {
    const Novelty novelty =
        inputs.molecule.empty() ? OfGenes(inputs.knockout) : OfStimulus(condition);
    if (novelty.perturbation.empty()) return query;
    perturbation = novelty.perturbation;
    query.condition_distance = novelty.distance;
  }
  std::set<int32_t> sources = types_;
  if (seen) {
    sources.clear();
    for (const auto& [in, group] : known->second) {
      sources.insert(in);
      query.cells += group.cells;
    }
  }
  const bool here = sources.count(type) > 0;
  if (seen && here) query.cells = known->second.at(type).cells;
  if (!here) {
    query.context_distance = HUGE_VAL;
    for (const int32_t source : sources) {
      query.context_distance =
          std::min(query.context_distance,
                   ContextDistance(moments_.control(type), moments_.control(source)));
    }
  }
  query.kind = bundle::ErrorKind(perturbation, seen, here);
  return query;
}

}  // namespace unlasting::trainer
