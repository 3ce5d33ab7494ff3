// ScoreVcc2026 scores predicted counts by the rule `vcc2026` (version 3 of cell-eval2 0.20.0).
//
// It computes six members for each perturbation and in aggregate, the same for the mean response
// (b) and for a replicate of the experiment (r), and each aggregate on the scale from b to r.
// docs/scores.md has the formulas. The files may be larger than memory: see MakeVcc2026Tables.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "core/evaluate/rules/cell_table.h"
#include "core/evaluate/rules/draws.h"
#include "core/evaluate/rules/rule_scores.h"
#include "core/evaluate/rules/vcc2026_tables.h"

namespace unlasting::evaluate::rules {

inline constexpr char kVcc2026[] = "vcc2026";
inline constexpr int kVcc2026Version = 3;
// SHA-256 of the reference's own description of the rule; its test engine is not part of it.
inline constexpr char kVcc2026Digest[] =
    "fb5aa56b74368a7bc5befc8ccca8ca02a2cf4c8c7ad59b156ab86c3ae0859762";

struct Vcc2026Options {
  std::string control_label;
  uint64_t seed = 0;       // of the draws where none are given
  nlohmann::json draws;    // null: generated; else see DrawsFromJson
  std::string draws_name;  // for messages
  TableOptions tables;
};

// INVALID_ARGUMENT as MatchGroups's, SurveyCounts's and DrawsFromJson's, and where no perturbation
// bears the name of a gene.
absl::StatusOr<RuleScores> ScoreVcc2026(const CellTable& truth, const CellTable& predicted,
                                        const Vcc2026Options& options);

}  // namespace unlasting::evaluate::rules
