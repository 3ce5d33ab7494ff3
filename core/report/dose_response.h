// How the response grows with the dose, predicted against true. Private to core/report.
#pragma once

#include <string>
#include <vector>

#include "core/evaluate/scorecard.h"

namespace unlasting::report {

// For each drug and cell type with two doses or more (at most 8): the mean expression of the four
// genes that move most at the dose with the strongest response, by log dose, with 95 % intervals of
// the mean. "" without such drugs.
std::string DoseResponseSection(const std::vector<evaluate::Group>& groups,
                                const std::vector<std::string>& genes);

}  // namespace unlasting::report
