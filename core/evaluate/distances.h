// These functions give the distance between two groups of cells, in every form that the field
// reports.
//
// X is [n, genes] and Y is [m, genes], log1p values; all sums are in double. The quadratic pair
// sums are blocked and run on `threads` threads. Results do not depend on the thread count.
#pragma once

#include <vector>

#include "core/base/matrix.h"
#include "core/evaluate/pair_sums.h"

namespace unlasting::evaluate {

// E-distance: 2 E|X-Y| - E|X-X'| - E|Y-Y'|.
struct EDistances {
  double paper = 0;     // Appendix B, eq 3: Euclidean norm, within-group means over n^2 pairs
  double unbiased = 0;  // within-group means over n(n-1) pairs; NaN where a group has one cell
  double released = 0;  // sqrt(max(0, unbiased)): most probably the form of the paper's Table 1
  double squared = 0;   // scPerturb: squared Euclidean norm, n(n-1) pairs
};
EDistances EDistance(const DenseMatrix& x, const DenseMatrix& y, int threads = 1);
// The same from sums at hand: a truth compared with many predictions needs its own only once.
EDistances EDistanceFromSums(const PairSums& cross, const PairSums& within_x, int64_t n,
                             const PairSums& within_y, int64_t m);

// The unbiased form in every resample, of sums that were taken with these resamples. NaN where a
// resample holds one cell only.
std::vector<double> ResampledEDistance(const PairSums& cross, const PairSums& within_x,
                                       const Resamples& x, int64_t n, const PairSums& within_y,
                                       const Resamples& y, int64_t m);

// 1-D Wasserstein-1 distance per gene (Appendix B, eq 4), as scipy.stats.wasserstein_distance.
std::vector<double> EmdPerGene(const DenseMatrix& x, const DenseMatrix& y, int threads = 1);
// Their mean over genes.
double Emd(const DenseMatrix& x, const DenseMatrix& y, int threads = 1);

}  // namespace unlasting::evaluate
