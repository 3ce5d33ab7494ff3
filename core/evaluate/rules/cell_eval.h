// ScoreCellEval scores predicted cells by the plain metrics of cell-eval 0.8.2, profile `full`.
//
// Each side is compared with its own control cells. Leiden's clustering_agreement is left out,
// since it cannot be computed from a formula. docs/scores.md has the formulas.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "core/evaluate/rules/cell_table.h"
#include "core/evaluate/rules/rule_scores.h"

namespace unlasting::evaluate::rules {

inline constexpr char kCellEval[] = "cell-eval";
inline constexpr char kCellEvalVersion[] = "0.8.2";

struct CellEvalOptions {
  std::string control_label;
  int threads = 2;
  int64_t block_bytes = int64_t{2} << 30;  // of the columns or rows held at a time
};

// INVALID_ARGUMENT as MatchGroups's and LoggedValues::Survey's, and where one side holds counts and
// the other log1p values.
absl::StatusOr<RuleScores> ScoreCellEval(const CellTable& truth, const CellTable& predicted,
                                         const CellEvalOptions& options);

}  // namespace unlasting::evaluate::rules
