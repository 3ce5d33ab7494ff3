// SigJaccard scores how far the significant genes of truth and prediction are the same ones.
#pragma once

#include "core/evaluate/rules/tested_genes.h"

namespace unlasting::evaluate::rules {

// |R and P| / |R or P| of the significant genes of the two sides; 1 where both have none.
double SigJaccard(const TestedGenes& truth, const TestedGenes& predicted);

}  // namespace unlasting::evaluate::rules
