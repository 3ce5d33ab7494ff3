#include "core/evaluate/mean_intervals.h"

#include <cmath>
#include <limits>

namespace unlasting::evaluate {
namespace {

// A score as the cells gave it and as their resamples did, summed over groups.
struct Sum {
  double score = 0;
  std::vector<double> resampled;
  int groups = 0;

  void Add(double value, const std::vector<double>& values, double sign) {
    score += sign * value;
    resampled.resize(values.size());
    for (size_t b = 0; b < values.size(); ++b) resampled[b] += sign * values[b];
  }
  double Mean() const { return score / groups; }
  Interval MeanInterval() const {
    std::vector<double> means(resampled);
    for (double& mean : means) mean /= groups;
    return IntervalAround(Mean(), std::move(means));
  }
};

double At(const Scores& scores, const std::string& name) {
  const auto it = scores.find(name);
  return it == scores.end() ? std::numeric_limits<double>::quiet_NaN() : it->second;
}

}  // namespace

void AddIntervalsOfMeans(const std::vector<GroupResamples>& groups, Scorecard* card) {
  std::map<std::string, std::map<std::string, Sum>> means, leads;
  for (size_t k = 0; k < groups.size(); ++k) {
    const GroupScores& group = card->groups[k];
    const auto& model = groups[k].at("");
    for (const auto& [method, of_method] : groups[k]) {
      const Scores& scores = method.empty() ? group.scores : group.baselines.at(method);
      for (const auto& [name, values] : of_method) {
        const double score = At(scores, name), of_model = At(group.scores, name);
        if (std::isnan(score)) continue;
        Sum& mean = means[method][name];
        mean.Add(score, values, 1);
        ++mean.groups;
        if (method.empty() || std::isnan(of_model)) continue;
        Sum& lead = leads[method][name];
        lead.Add(of_model, model.at(name), 1);
        lead.Add(score, values, -1);
        ++lead.groups;
      }
    }
  }
  for (const auto& [method, sums] : means) {
    Intervals& intervals = method.empty() ? card->mean_intervals : card->baseline_intervals[method];
    for (const auto& [name, sum] : sums) intervals[name] = sum.MeanInterval();
  }
  for (const auto& [method, sums] : leads) {
    for (const auto& [name, sum] : sums) {
      card->differences[method][name] = {sum.Mean(), sum.MeanInterval()};
    }
  }
}

}  // namespace unlasting::evaluate
