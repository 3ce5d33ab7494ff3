// SurveyCounts passes once over a side's rows and gathers what every later pass needs to know:
// each cell's total, how many cells express each gene, and each group's sums.
#pragma once

#include <vector>

#include "core/evaluate/rules/cell_table.h"

namespace unlasting::evaluate::rules {

struct CountSurvey {
  std::vector<double> library;     // per cell: the sum of its counts
  std::vector<int64_t> expressed;  // per gene: cells with a value other than 0
  std::vector<double> sums;        // [groups, genes], the control last: sums of counts
};

// INVALID_ARGUMENT names the table, cell and gene of a value that is not a whole number of counts
// (a fraction, a negative or non-finite value), and a cell with more than 1e6 counts.
absl::StatusOr<CountSurvey> SurveyCounts(const CellTable& table, const Groups& groups);

}  // namespace unlasting::evaluate::rules
