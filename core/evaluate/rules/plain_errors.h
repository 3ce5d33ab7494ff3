// The plain errors of rule `cell-eval`: of mean profiles, of mean changes, and of telling one
// perturbation's change from the others'.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/evaluate/rules/logged_table.h"

namespace unlasting::evaluate::rules {

// By metric, a value per target. Absent: the target has no such value and means leave it out. NaN:
// the value is not defined, which the reference lets through to the mean.
using PlainMetrics = std::map<std::string, std::vector<std::optional<double>>>;

// Adds mae, mse, mae_delta, mse_delta and pearson_delta.
void AddProfileErrors(const LoggedTable& truth, const LoggedTable& predicted,
                      PlainMetrics* metrics);
// Adds discrimination_score_{l1,l2,cosine}: 1 - (true changes nearer than the own one) / targets,
// without the target's own gene.
void AddDiscrimination(const LoggedTable& truth, const LoggedTable& predicted,
                       const std::vector<int64_t>& own_gene, int threads, PlainMetrics* metrics);

}  // namespace unlasting::evaluate::rules
