// DirectionFidelity scores how many genes the prediction calls changed in the true direction.
#pragma once

#include "core/evaluate/rules/tested_genes.h"

namespace unlasting::evaluate::rules {

struct Fidelity {
  int64_t confident = 0;  // N_conf: genes that are significant in the truth
  int64_t predicted = 0;  // n_pred: genes significant in the prediction whose true change is not 0
  int64_t agreeing = 0;   // k: those of them whose direction is the true one
  double value = 0;       // k / max(n_pred, N_conf); NaN where both are 0
};
Fidelity DirectionFidelity(const TestedGenes& truth, const TestedGenes& predicted);

}  // namespace unlasting::evaluate::rules
