#include "core/evaluate/rules/expression_error.h"

#include <algorithm>
#include <limits>

namespace unlasting::evaluate::rules {
namespace {

// The spread of the predicted bulks between targets, per gene over the targets that do not own it.
double Budget(const SampleTable& predicted, const std::vector<double>& weights,
              const std::vector<int64_t>& own_gene) {
  double budget = 0;
  for (int64_t g = 0; g < predicted.genes; ++g) {
    double weight = 0, mean = 0;
    int64_t targets = 0;
    for (int64_t t = 0; t < predicted.targets; ++t) {
      if (own_gene[t] == g) continue;
      weight += weights[t];
      mean += weights[t] * predicted.bulk[t * predicted.genes + g];
      ++targets;
    }
    if (targets < 2) continue;
    mean /= weight;
    double spread = 0;
    for (int64_t t = 0; t < predicted.targets; ++t) {
      if (own_gene[t] == g) continue;
      const double difference = predicted.bulk[t * predicted.genes + g] - mean;
      spread += weights[t] * difference * difference;
    }
    budget += spread;
  }
  return budget;
}

double SquaredDistance(absl::Span<const double> a, absl::Span<const double> b, int64_t left_out) {
  double sum = 0;
  for (size_t g = 0; g < a.size(); ++g) {
    if (static_cast<int64_t>(g) != left_out) sum += (a[g] - b[g]) * (a[g] - b[g]);
  }
  return sum;
}

}  // namespace

ExpressionErrors ExpressionError(const SampleTable& truth, const SampleTable& predicted,
                                 const std::vector<int64_t>& own_gene) {
  ExpressionErrors result;
  std::vector<double> weights, noise;
  for (int64_t t = 0; t < truth.targets; ++t) {
    weights.push_back(1 / static_cast<double>(truth.genes - (own_gene[t] >= 0 ? 1 : 0)));
    noise.push_back(std::min(predicted.jackknife[t], truth.jackknife[t]));
    result.claim += weights[t] * noise[t];
  }
  result.budget = Budget(predicted, weights, own_gene);
  result.share = result.claim > 0 ? std::min(1.0, result.budget / result.claim) : 1;
  double numerator = 0, denominator = 0;
  const auto control = truth.Bulk(truth.targets);
  for (int64_t t = 0; t < truth.targets; ++t) {
    const double w = weights[t], own_noise = truth.jackknife[t];
    const double error = SquaredDistance(predicted.Bulk(t), truth.Bulk(t), own_gene[t]);
    const double effect = SquaredDistance(truth.Bulk(t), control, own_gene[t]);
    const double both = own_noise + truth.jackknife[truth.targets];
    result.capped.push_back(w * (error - result.share * noise[t] - own_noise));
    result.uncapped.push_back(w * (error - predicted.jackknife[t] - own_noise));
    result.distance.push_back(w * (effect - both));
    result.effect += w * effect;
    result.noise += w * both;
    numerator += result.capped.back();
    denominator += result.distance.back();
  }
  result.value =
      denominator > 0 ? numerator / denominator : std::numeric_limits<double>::quiet_NaN();
  return result;
}

}  // namespace unlasting::evaluate::rules
