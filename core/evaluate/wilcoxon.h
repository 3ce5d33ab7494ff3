// This header declares the Wilcoxon rank-sum test as scanpy computes it. Private to core/evaluate.
#pragma once

#include <vector>

#include "core/base/matrix.h"

namespace unlasting::evaluate {

// z scores, one a gene: the group's rank sum less its expectation, over its standard deviation by
// the normal approximation, ties at their mean rank. Without `correct_ties` the deviation is that
// of distinct values, scanpy's default. 0 where the deviation is 0.
std::vector<double> WilcoxonScores(const DenseMatrix& group, const DenseMatrix& reference,
                                   bool correct_ties);

}  // namespace unlasting::evaluate
