// What happens to the genes of each group: control, true and predicted. Private to core/report.
#pragma once

#include <string>
#include <vector>

#include "core/evaluate/scorecard.h"

namespace unlasting::report {

// A card a group (at most 12, the most changed first): a scatter of mean changes, predicted against
// true, the cells on two principal components, and the distributions of the nine genes that a
// t-test finds most changed, the share of silent cells as bars at 0 and the density of the others
// beside them. "" without groups.
std::string DistributionsSection(const std::vector<evaluate::Group>& groups,
                                 const std::vector<std::string>& genes);

}  // namespace unlasting::report
