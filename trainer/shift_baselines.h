// The baselines of core/evaluate from training cells.
#pragma once

#include <vector>

#include "core/cells/dataset.h"
#include "core/evaluate/shift_baselines.h"

namespace unlasting::trainer {

// `with_dose`: a drug at two doses is two conditions; else its name alone tells conditions apart.
// Drugs have the features of their structure beside the log10 of the dose in micromolar; those that
// RDKit cannot read have none.
evaluate::Perturbed PerturbedOf(const cells::Condition& condition, bool with_dose);

// From the cells that are not `left_out` (empty: all), log1p values. Shifts are means over the cell
// types in which both the condition and control cells were measured.
evaluate::ShiftBaselines BaselinesFrom(const cells::Dataset& training,
                                       const std::vector<bool>& left_out, bool with_dose);

}  // namespace unlasting::trainer
