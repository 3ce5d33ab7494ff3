// The dip test says whether a gene's distribution over cells is bimodal: Hartigan's dip (Annals of
// Statistics 13, 1985).
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/matrix.h"

namespace unlasting::evaluate {

// The largest distance between the empirical distribution function and the unimodal one nearest to
// it: 1 / (2 n) at least, 1/4 at most, whatever the unit. The silent cells count as a mode where
// the active ones form another, which is what Fig 5 of the paper shows; a distribution that only
// falls, or a skewed one, has no dip. NaN without values.
double Dip(std::vector<float> values);

// Whether a sample of `n` with this dip rejects one mode at the 5 % level, by the uniform
// distribution, which among the unimodal ones dips most.
bool IsBimodal(double dip, int64_t n);

// Dip of each of the given columns.
std::vector<double> DipsOf(const DenseMatrix& cells, const std::vector<int64_t>& genes);

}  // namespace unlasting::evaluate
