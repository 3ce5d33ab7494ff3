// ResampledEmd computes the EMD of resampled groups. Private to core/evaluate.
#pragma once

#include <vector>

#include "core/base/matrix.h"
#include "core/evaluate/bootstrap.h"

namespace unlasting::evaluate {

// Per gene and resample, [genes][count]: the 1-D Wasserstein distance between resample b of X and
// resample b of Y. Floats: they carry an interval, not a score.
std::vector<float> ResampledEmd(const DenseMatrix& x, const Resamples& x_draws,
                                const DenseMatrix& y, const Resamples& y_draws, int threads);

}  // namespace unlasting::evaluate
