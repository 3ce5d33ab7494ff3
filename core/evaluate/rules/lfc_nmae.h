// LfcNmae scores the error of predicted fold changes over the genes that truly change, against the
// size of the true fold changes.
#pragma once

#include "core/evaluate/rules/tested_genes.h"

namespace unlasting::evaluate::rules {

// Perturbations with fewer significant genes than this have no value.
constexpr int64_t kMinSignificant = 10;

// Mean over the genes significant in `chosen` of |predicted - truth|, over their mean |chosen|, all
// of log2 fold changes; a gene that a side did not test counts as 0 there. NaN where `chosen` has
// too few significant genes or no change in them. A prediction is scored with chosen = truth; two
// halves of the truth with the whole truth as `chosen`.
double LfcNmae(const TestedGenes& chosen, const TestedGenes& truth, const TestedGenes& predicted);

}  // namespace unlasting::evaluate::rules
