// ScoreFilesByRule scores the files of `unlasting-train metrics --rule` by a rule of the field. The
// files are read in passes and need not fit into memory.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/evaluate/rules/rule_scores.h"
#include "trainer/scoring/metrics_options.h"

namespace unlasting::trainer {

// Reads `options.truth` and `options.predicted`, whose controls are their own rows with the label
// `options.columns.control` in the column `options.columns.condition_column`, and `options.draws`
// where it is given. Errors name the file, column or flag, what was found and what was expected.
absl::StatusOr<evaluate::rules::RuleScores> ScoreFilesByRule(const MetricsOptions& options);

}  // namespace unlasting::trainer
