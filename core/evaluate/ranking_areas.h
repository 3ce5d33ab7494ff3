// AreasOf measures how well a number tells two classes apart: the areas under the curves of true
// against false positives (ROC) and of precision against recall. A pure function; any thread.
#pragma once

#include <limits>
#include <utility>
#include <vector>

namespace unlasting::evaluate {

struct RankingAreas {
  // Average precision: over the distinct numbers, the gain in recall times the precision there.
  double precision_recall = std::numeric_limits<double>::quiet_NaN();
  // The share of pairs of a positive and a negative in which the positive has the smaller number,
  // ties as half.
  double roc = std::numeric_limits<double>::quiet_NaN();
};

// Of numbers and whether each belongs to a positive; small numbers speak for positives. NaN where
// all are of one class.
RankingAreas AreasOf(std::vector<std::pair<double, bool>> numbers);

}  // namespace unlasting::evaluate
