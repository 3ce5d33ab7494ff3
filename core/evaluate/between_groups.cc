#include "core/evaluate/between_groups.h"

#include "core/evaluate/column_statistics.h"

namespace unlasting::evaluate {
namespace {

double SquaredDistance(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t g = 0; g < a.size(); ++g) sum += (a[g] - b[g]) * (a[g] - b[g]);
  return sum;
}

std::vector<double> Less(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> difference(a);
  for (size_t g = 0; g < a.size(); ++g) difference[g] -= b[g];
  return difference;
}

// Others farther from the prediction than the group's own truth; ties count half.
double Discrimination(const std::vector<double>& predicted, const std::vector<double>& own,
                      const std::vector<const std::vector<double>*>& others) {
  const double distance = SquaredDistance(predicted, own);
  double farther = 0;
  for (const auto* other : others) {
    const double to_other = SquaredDistance(predicted, *other);
    farther += to_other > distance ? 1.0 : to_other == distance ? 0.5 : 0.0;
  }
  return farther / static_cast<double>(others.size());
}

}  // namespace

void AddScoresBetweenGroups(const std::vector<GroupMeans>& means,
                            std::vector<GroupScores>* groups) {
  for (size_t k = 0; k < means.size(); ++k) {
    std::vector<const std::vector<double>*> others;
    std::vector<double> centre = means[k].truth;
    for (size_t other = 0; other < means.size(); ++other) {
      if (other == k || means[other].cell_type != means[k].cell_type) continue;
      others.push_back(&means[other].truth);
      for (size_t g = 0; g < centre.size(); ++g) centre[g] += means[other].truth[g];
    }
    if (others.empty()) continue;
    for (double& value : centre) value /= static_cast<double>(others.size() + 1);
    for (const auto& [method, profile] : means[k].methods) {
      Scores& scores = method.empty() ? (*groups)[k].scores : (*groups)[k].baselines[method];
      scores["pearson_delta_perturbed.all"] =
          Pearson(Less(profile, centre), Less(means[k].truth, centre));
      scores["discrimination.all"] = Discrimination(profile, means[k].truth, others);
    }
  }
}

}  // namespace unlasting::evaluate
