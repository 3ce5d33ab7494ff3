// How the response grows with the dose, predicted against true. Private to core/report.
#pragma once

#include <string>
#include <vector>

#include "core/report/report.h"

namespace unlasting::report {

// For each drug and cell type with a scored dose and two doses or more in all (at most 8): the mean
// expression of the four genes that move most at the strongest scored dose, by log dose, with 95 %
// intervals of the mean. Doses that training saw are part of the true curve. "" without such drugs.
std::string DoseResponseSection(const std::vector<evaluate::Group>& groups,
                                const std::vector<TrainedDose>& trained,
                                const std::vector<std::string>& genes);

}  // namespace unlasting::report
