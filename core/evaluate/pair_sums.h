// PairSums holds sums of distances over pairs of cells, which every E-distance is made of.
#pragma once

#include <vector>

#include "core/base/matrix.h"
#include "core/evaluate/bootstrap.h"

namespace unlasting::evaluate {

struct PairSums {
  double norm = 0;     // of Euclidean distances
  double squared = 0;  // of squared Euclidean distances
  double kernel = 0;   // of exp(-gamma d^2); 0 where gamma is 0
  // Of Euclidean distances, a resample each: every pair counts as often as both cells were drawn.
  std::vector<double> resampled_norm;
};

// What is summed beyond the distances. Resamples are null or have the same count, and one row a
// cell.
struct PairOptions {
  int threads = 1;
  double gamma = 0;
  const Resamples* x = nullptr;
  const Resamples* y = nullptr;  // unused within one group
};

// Over all n * m pairs of a row of X and a row of Y. Differences are taken and squared in double,
// never expanded into norms and dot products, so that near cells keep all their digits.
// Contract: x.cols == y.cols. The result is the same, to the bit, for every thread count.
PairSums CrossPairs(const DenseMatrix& x, const DenseMatrix& y, const PairOptions& options);

// Over the n (n - 1) / 2 pairs of different rows of X.
PairSums WithinPairs(const DenseMatrix& x, const PairOptions& options);

}  // namespace unlasting::evaluate
