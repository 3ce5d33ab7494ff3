// Calibrate says which scores of a card can tell a good prediction from a poor one on these data,
// and which groups a simple baseline already solves.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/evaluate/scorecard.h"

namespace unlasting::evaluate {

struct Calibration {
  // By score: the mean over groups of (no change - positive) / (no change - perfect). The positive
  // control is the interpolated duplicate for scores of mean changes, which the noise of a half's
  // undecided genes would spoil, and for scores of cells the ceiling. 1: it scores as well as a
  // perfect prediction does; 0 or below: no better than predicting no change, so the score says
  // nothing here. Scores without a perfect value are left out.
  std::map<std::string, double> dynamic_range;
  // Per group, in the card's order: the baselines that score at least as well as the ceiling, by
  // unbiased E-distance and by the weighted error of the change. A group with any is saturated: a
  // model cannot show there that it is better than a simple rule.
  std::vector<std::vector<std::string>> solved_by;
};
Calibration Calibrate(const Scorecard& card);

}  // namespace unlasting::evaluate
