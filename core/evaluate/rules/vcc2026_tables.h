// Vcc2026Tables holds every sample that rule vcc2026 compares: truth, prediction, the mean-response
// baseline, and the two halves of each split of the truth.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "absl/status/statusor.h"
#include "core/evaluate/rules/cell_table.h"
#include "core/evaluate/rules/draws.h"
#include "core/evaluate/rules/sample_table.h"

namespace unlasting::evaluate::rules {

struct Vcc2026Tables {
  SampleTable truth, predicted, baseline;
  std::map<std::string, std::pair<SampleTable, SampleTable>> halves;  // by split: a, b
  std::vector<double> baseline_scale;  // [genes]: the mean response over the control's mean
};

struct TableOptions {
  int threads = 2;
  int64_t column_bytes = int64_t{2} << 30;  // of the genes held at a time, of both sides
};

// Passes over truth and prediction twice, over the truth's rows once more, and once more for every
// further range of genes that `column_bytes` makes. In all about 24 bytes per target, gene and
// sample (3 and 2 per split), and `column_bytes`. Errors as SurveyCounts's.
absl::StatusOr<Vcc2026Tables> MakeVcc2026Tables(const CellTable& truth, const CellTable& predicted,
                                                const MatchedGroups& groups, const Draws& draws,
                                                const TableOptions& options);

}  // namespace unlasting::evaluate::rules
