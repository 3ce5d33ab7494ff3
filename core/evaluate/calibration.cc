#include "core/evaluate/calibration.h"

#include <cmath>
#include <limits>
#include <optional>

#include "absl/strings/match.h"

namespace unlasting::evaluate {
namespace {

constexpr char kNegative[] = "no_change", kPositive[] = "ceiling";
constexpr const char* kDecisive[] = {"e_distance.unbiased.all", "weighted_mse_delta.all"};

// What a perfect prediction scores.
std::optional<double> Perfect(const std::string& score) {
  for (const char* prefix : {"pearson_delta.", "de_overlap.", "weighted_r2_delta.",
                             "correlation_agreement.", "bimodal_agreement."}) {
    if (absl::StartsWith(score, prefix)) return 1;
  }
  for (const char* prefix :
       {"e_distance.unbiased.", "e_distance.squared.", "emd.", "mmd.", "silent_share_error.",
        "dip_error.", "weighted_mse_delta.", "correlation_error.", "co_silence_error."}) {
    if (absl::StartsWith(score, prefix)) return 0;
  }
  if (absl::StartsWith(score, "auc_")) return 0.5;
  return std::nullopt;
}

double At(const Scores& scores, const std::string& name) {
  const auto it = scores.find(name);
  return it == scores.end() ? std::numeric_limits<double>::quiet_NaN() : it->second;
}

std::vector<std::string> SolvedBy(const GroupScores& group) {
  std::vector<std::string> names;
  const auto ceiling = group.baselines.find(kPositive);
  if (ceiling == group.baselines.end()) return names;
  for (const auto& [name, scores] : group.baselines) {
    if (name == kPositive) continue;
    bool solved = true;
    for (const char* score : kDecisive) {
      // False for NaN: what is not defined solves nothing.
      solved = solved && At(scores, score) <= At(ceiling->second, score);
    }
    if (solved) names.push_back(name);
  }
  return names;
}

}  // namespace

Calibration Calibrate(const Scorecard& card) {
  Calibration calibration;
  std::map<std::string, std::pair<double, int>> sums;
  for (const GroupScores& group : card.groups) {
    calibration.solved_by.push_back(SolvedBy(group));
    const auto negative = group.baselines.find(kNegative);
    const auto positive = group.baselines.find(kPositive);
    if (negative == group.baselines.end() || positive == group.baselines.end()) continue;
    for (const auto& [score, value] : negative->second) {
      const auto perfect = Perfect(score);
      if (!perfect || value == *perfect) continue;
      const auto& of = group.interpolated_duplicate;
      const double control = At(of.count(score) > 0 ? of : positive->second, score);
      const double fraction = (value - control) / (value - *perfect);
      if (!std::isfinite(fraction)) continue;
      sums[score].first += fraction;
      ++sums[score].second;
    }
  }
  for (const auto& [score, sum] : sums) {
    calibration.dynamic_range[score] = sum.first / static_cast<double>(sum.second);
  }
  return calibration;
}

}  // namespace unlasting::evaluate
