// PdsCosine scores whether a predicted pseudobulk is nearer to the true one of its own perturbation
// than to those of the others.
#pragma once

#include <vector>

#include "core/evaluate/rules/sample_table.h"

namespace unlasting::evaluate::rules {

// One value per target: 1 - (targets nearer than its own + half of the ties) / (targets - 1), by
// the cosine distance of changes against control; 1 for a single target. Own genes of all targets
// are left out. `predicted_control` is the bulk against which the prediction's changes are taken.
std::vector<double> PdsCosine(const SampleTable& truth, const SampleTable& predicted,
                              absl::Span<const double> predicted_control,
                              const std::vector<int64_t>& own_gene, int threads);

}  // namespace unlasting::evaluate::rules
