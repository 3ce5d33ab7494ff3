#include "core/evaluate/risk_coverage.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace unlasting::evaluate {
namespace {

constexpr char kEDistance[] = "e_distance.unbiased.all";

struct Answer {
  double predicted = 0, error = 0;
};

std::vector<std::pair<double, double>> Curve(const std::vector<Answer>& answers) {
  std::vector<std::pair<double, double>> curve;
  double sum = 0;
  for (size_t k = 0; k < answers.size(); ++k) {
    sum += answers[k].error;
    const auto answered = static_cast<double>(k + 1);
    curve.emplace_back(answered / static_cast<double>(answers.size()), sum / answered);
  }
  return curve;
}

// How many of `groups`, 1 or more, remain where kAbstained are left out.
size_t KeptOf(int groups) {
  return static_cast<size_t>(std::ceil((1 - kAbstained) * groups - 1e-9));
}

}  // namespace

RiskCoverage RiskCoverageOf(const Scorecard& scorecard) {
  RiskCoverage risk;
  std::vector<Answer> answers;
  for (const GroupScores& group : scorecard.groups) {
    const auto error = group.scores.find(kEDistance);
    if (!group.predicted.has_value() || error == group.scores.end() || std::isnan(error->second)) {
      continue;
    }
    answers.push_back({group.predicted->expected, error->second});
    if (!group.predicted->calibrated) continue;
    ++risk.intervals;
    risk.covered +=
        error->second >= group.predicted->low && error->second <= group.predicted->high ? 1 : 0;
  }
  risk.groups = static_cast<int>(answers.size());
  if (risk.intervals > 0) {
    using Binomial = boost::math::binomial_distribution<double>;
    risk.covered_low = Binomial::find_lower_bound_on_p(risk.intervals, risk.covered, 0.025);
    risk.covered_high = Binomial::find_upper_bound_on_p(risk.intervals, risk.covered, 0.025);
  }
  if (answers.empty()) return risk;
  std::stable_sort(answers.begin(), answers.end(),
                   [](const Answer& a, const Answer& b) { return a.predicted < b.predicted; });
  risk.curve = Curve(answers);
  risk.mean = risk.curve.back().second;
  risk.abstained = risk.curve[KeptOf(risk.groups) - 1].second;
  std::stable_sort(answers.begin(), answers.end(),
                   [](const Answer& a, const Answer& b) { return a.error < b.error; });
  risk.best = Curve(answers);
  return risk;
}

std::string RiskCoverageText(const RiskCoverage& risk) {
  if (risk.groups == 0) return "";
  std::string text =
      absl::StrFormat("Predicted errors: the mean E-distance is %.3g over ", risk.mean);
  if (KeptOf(risk.groups) == static_cast<size_t>(risk.groups)) {
    absl::StrAppendFormat(&text,
                          "%d group%s, too few to leave out what the model is least sure of.",
                          risk.groups, risk.groups == 1 ? "" : "s");
  } else {
    absl::StrAppendFormat(&text,
                          "all %d groups and %.3g without the %.0f %% of them that the model is "
                          "least sure of.",
                          risk.groups, risk.abstained, 100 * kAbstained);
  }
  if (risk.intervals == 0) {
    return absl::StrCat(text, " No kind of these queries is calibrated.");
  }
  return absl::StrCat(
      text,
      absl::StrFormat(" %d of %d intervals cover (95 %% interval of the share: %.2f to %.2f).",
                      risk.covered, risk.intervals, risk.covered_low, risk.covered_high));
}

}  // namespace unlasting::evaluate
