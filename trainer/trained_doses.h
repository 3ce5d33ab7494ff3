// What training saw of each drug, for the dose-response curves of a report.
#pragma once

#include <vector>

#include "core/cells/dataset.h"
#include "core/report/report.h"

namespace unlasting::trainer {

// For each drug, dose and cell type among the cells that are not `left_out` (empty: all): the first
// thousand cells' statistics.
std::vector<report::TrainedDose> TrainedDosesOf(const cells::Dataset& training,
                                                const std::vector<bool>& left_out);

}  // namespace unlasting::trainer
