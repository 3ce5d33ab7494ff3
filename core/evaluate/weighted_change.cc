#include "core/evaluate/weighted_change.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/evaluate/differential_expression.h"

namespace unlasting::evaluate {

std::vector<double> ChangeWeights(const DenseMatrix& truth, const DenseMatrix& control) {
  if (truth.rows < 2 || control.rows < 2) return {};
  std::vector<double> weights = RankGenes(truth, control).score;
  for (double& weight : weights) weight = std::abs(weight);
  const auto [low, high] = std::minmax_element(weights.begin(), weights.end());
  const double least = *low, range = *high - *low;
  if (!(range > 0)) return {};
  double sum = 0;
  for (double& weight : weights) {
    weight = std::pow((weight - least) / range, 2);
    sum += weight;
  }
  for (double& weight : weights) weight /= sum;
  return weights;
}

WeightedChange CompareChanges(const std::vector<double>& predicted,
                              const std::vector<double>& truth,
                              const std::vector<double>& weights) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  if (weights.empty()) return {kNan, kNan};
  double mean = 0;
  for (size_t g = 0; g < weights.size(); ++g) mean += weights[g] * truth[g];
  double error = 0, spread = 0;
  for (size_t g = 0; g < weights.size(); ++g) {
    error += weights[g] * (predicted[g] - truth[g]) * (predicted[g] - truth[g]);
    spread += weights[g] * (truth[g] - mean) * (truth[g] - mean);
  }
  return {error, spread > 0 ? 1 - error / spread : kNan};
}

}  // namespace unlasting::evaluate
