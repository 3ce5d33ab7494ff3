#include "trainer/response/rule_response.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/model/spec/expected_response.h"
#include "core/model/spec/propagation.h"

namespace unlasting::trainer {
namespace {

// A row of the estimate's tables, times `weight`, is added to the response.
void Add(const ExpectedResponseEstimate& estimate, int64_t row, double weight, Response* response) {
  for (int64_t g = 0; g < estimate.mean.cols; ++g) {
    response->mean[g] += weight * estimate.mean.At(row, g);
    response->log_variance[g] += weight * estimate.log_variance.At(row, g);
    response->active_logit[g] += weight * estimate.active_logit.At(row, g);
  }
}

// The entry of a perturbed gene: that of the mean where training never perturbed it.
int64_t EntryOf(const ExpectedResponseEstimate& estimate, int32_t node) {
  const auto& nodes = estimate.nodes;
  const auto found = std::lower_bound(nodes.begin(), nodes.end(), node);
  return (found != nodes.end() && *found == node) ? found - nodes.begin()
                                                  : static_cast<int64_t>(nodes.size());
}

void AddPropagated(const ExpectedResponseEstimate& estimate, const GrnResponseEstimate& grn,
                   const grn::Graph& graph, const std::vector<int32_t>& knockout, int32_t type,
                   Response* response) {
  std::vector<double> start(graph.nodes(), 0.0);
  std::vector<bool> perturbed(graph.nodes(), false);
  const auto genes = static_cast<int64_t>(response->mean.size());
  bool any = false;
  for (const int32_t node : knockout) {
    perturbed[node] = true;
    if (node >= genes || EntryOf(estimate, node) < static_cast<int64_t>(estimate.nodes.size())) {
      continue;
    }
    start[node] = grn.self_effect[type][node];
    any |= start[node] != 0;
  }
  if (!any) return;
  const std::vector<double> change =
      model::Propagate<double>(graph.indptr, graph.sources, grn.edge_weights, start, perturbed);
  for (int64_t g = 0; g < genes; ++g) {
    const double added = start[g] + grn.damping * (change[g] - start[g]);
    response->mean[g] += added;
    response->log_variance[g] += grn.log_variance[g] * added;
    response->active_logit[g] += grn.active_logit[g] * added;
  }
}

// Of each drug at a dose, in sum 1.
std::vector<double> DrugWeights(const ExpectedResponseEstimate& estimate,
                                const ConditionInputs& inputs) {
  double squares = 0;
  for (const float value : inputs.molecule) squares += static_cast<double>(value) * value;
  const double length = std::max(std::sqrt(squares), 1e-12);
  std::vector<double> near;
  for (int64_t d = 0; d < estimate.drugs.rows; ++d) {
    const auto drug = estimate.drugs.Row(d);
    double similarity = 0;
    for (size_t k = 0; k < drug.size(); ++k) similarity += inputs.molecule[k] * drug[k] / length;
    near.push_back((similarity - 1) / model::kResponseSimilarity +
                   (similarity > model::kResponseSame ? model::kResponseBonus : 0.0));
  }
  std::vector<double> weights;
  for (size_t m = 0; m < estimate.drug.size(); ++m) {
    const double apart = (inputs.log10_dose_um - estimate.log10_dose[m]) / model::kResponseDecades;
    weights.push_back(near[estimate.drug[m]] - 0.5 * apart * apart);
  }
  const double peak = *std::max_element(weights.begin(), weights.end());
  double sum = 0;
  for (double& weight : weights) sum += weight = std::exp(weight - peak);
  for (double& weight : weights) weight /= sum;
  return weights;
}

}  // namespace

Response RuleResponse(const ExpectedResponseEstimate& estimate, const GrnResponseEstimate* grn,
                      const grn::Graph& graph, const ConditionInputs& inputs, int32_t type) {
  const auto genes = static_cast<int64_t>(estimate.nodes.size());
  const int64_t first = type * (genes + 1 + static_cast<int64_t>(estimate.drug.size()));
  Response response = ZeroResponse(estimate.mean.cols);
  if (inputs.molecule.empty()) {
    for (const int32_t node : inputs.knockout) {
      Add(estimate, first + EntryOf(estimate, node), 1, &response);
    }
    if (grn != nullptr) {
      AddPropagated(estimate, *grn, graph, inputs.knockout, type, &response);
    }
    return response;
  }
  if (estimate.drug.empty()) return response;
  const std::vector<double> weights = DrugWeights(estimate, inputs);
  for (size_t m = 0; m < weights.size(); ++m) {
    Add(estimate, first + genes + 1 + static_cast<int64_t>(m), weights[m], &response);
  }
  return response;
}

}  // namespace unlasting::trainer
