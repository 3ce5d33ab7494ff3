// AddIntervalsOfMeans adds to a scorecard the intervals of means over groups, and of the model's
// lead over a baseline. Private to core/evaluate.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/evaluate/scorecard.h"

namespace unlasting::evaluate {

// Of one group: by method ("" is the model) and score, the score in every resample.
using GroupResamples = std::map<std::string, std::map<std::string, std::vector<double>>>;

// Fills mean_intervals, baseline_intervals and differences of a card whose scores stand. `groups`
// is in the card's order.
void AddIntervalsOfMeans(const std::vector<GroupResamples>& groups, Scorecard* card);

}  // namespace unlasting::evaluate
