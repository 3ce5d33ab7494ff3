// overview.h shows the model among its baselines at a glance. Private to core/report.
#pragma once

#include <string>
#include <vector>

#include "core/evaluate/scorecard.h"

namespace unlasting::report {

// The verdict in words with its mark, and a dot plot of E-distance and EMD: a line a group (at most
// 30, the most changed first), a dot a method. The verdict alone where there are no groups.
std::string OverviewSection(const evaluate::Scorecard& card);

// The groups by how far the control cells are from the true ones, falling: the order of the page.
std::vector<const evaluate::GroupScores*> MostChangedFirst(const evaluate::Scorecard& card);

}  // namespace unlasting::report
