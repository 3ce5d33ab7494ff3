// Weighted errors of the mean change: genes count by how strongly the truth changes them, so that
// the many genes which do not change cannot hide an error, nor reward predicting no change.
#pragma once

#include <vector>

#include "core/base/matrix.h"

namespace unlasting::evaluate {

// One weight per gene, summing to 1: |t| of Welch's test of truth against control, moved to
// [0, 1] by its smallest and largest value, then squared (after Mejia et al. 2025). Empty where a
// side has fewer than two cells, or where no gene differs from another.
std::vector<double> ChangeWeights(const DenseMatrix& truth, const DenseMatrix& control);

struct WeightedChange {
  double mse;  // sum of w (predicted - true)^2
  double r2;   // 1 - mse / (sum of w (true - weighted mean of true)^2)
};
// Of changes [genes]; NaN without weights, and r2 where the true change is constant.
WeightedChange CompareChanges(const std::vector<double>& predicted,
                              const std::vector<double>& truth, const std::vector<double>& weights);

}  // namespace unlasting::evaluate
