// RiskCoverage says whether a model knows where it is wrong: how its error falls as the answers
// that it is least sure of are left out, and whether its intervals cover. Pure functions; any
// thread.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/evaluate/scorecard.h"

namespace unlasting::evaluate {

struct RiskCoverage {
  int groups = 0;  // with a predicted and a true E-distance
  // Share of the groups that are answered, ascending, those of the least predicted error first, and
  // the mean of their true E-distances.
  std::vector<std::pair<double, double>> curve;
  // The same with the least true errors first, which no model can be better than.
  std::vector<std::pair<double, double>> best;
  double mean = 0;       // over all groups
  double abstained = 0;  // over those that remain where kAbstained are left out
  int intervals = 0;     // groups with an interval
  int covered = 0;       // of them, those whose E-distance lies in theirs
  // 95 % interval of the share covered, were the groups independent (Clopper and Pearson).
  double covered_low = 0, covered_high = 1;
};
// The share of groups left out for `abstained`: those of the greatest predicted error.
inline constexpr double kAbstained = 0.3;

// `groups` is 0 where the model says nothing of its error.
RiskCoverage RiskCoverageOf(const Scorecard& scorecard);

// "Predicted errors: ..." in a sentence or two; "" where there are none.
std::string RiskCoverageText(const RiskCoverage& risk);

}  // namespace unlasting::evaluate
