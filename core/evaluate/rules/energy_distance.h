// EnergyDistances gives each perturbation's E-distance to the control of its side as rule
// `cell-eval` takes it: Euclidean, on logged values, with means over all n^2 pairs.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "core/evaluate/rules/cell_table.h"
#include "core/evaluate/rules/logged_values.h"

namespace unlasting::evaluate::rules {

struct EnergyOptions {
  int threads = 2;
  int64_t row_bytes = int64_t{2} << 30;  // of the rows held at a time beside the control's
};

// One pass for the control's rows, which are held as sparse rows, and one for every `row_bytes` of
// other rows. The cost is that of a sparse dot product per pair of cells. The result does not
// depend on the number of threads.
absl::StatusOr<std::vector<double>> EnergyDistances(const CellTable& table, const Groups& groups,
                                                    const LoggedValues& values,
                                                    const EnergyOptions& options);

}  // namespace unlasting::evaluate::rules
