// These functions finish generated profiles: they scale the active values of each gene so that the
// mean over cells is a wanted one. Pure functions; any thread. N is the bundle's number of genes.
#pragma once

#include <vector>

#include "absl/types/span.h"
#include "core/base/matrix.h"

namespace unlasting::predict {

// Bounds of the factors: beyond them a gene's few active values would carry all of its mean.
inline constexpr float kLeastMeanFactor = 0.3f;
inline constexpr float kLargestMeanFactor = 3.0f;

// Per gene the factor that brings the mean of `values` [cells, N] to `mean` [N], within the bounds;
// 1 where all values are 0. Negative values count as 0, as in an answer.
std::vector<float> MeanFactors(const DenseMatrix& values, absl::Span<const float> mean);

// Per gene the mean of `values` [cells, N]; negative values count as 0, as in an answer.
std::vector<float> MeanValues(const DenseMatrix& values);

// Multiplies each gene's values by its factor; `factor` [N].
void ScaleGenes(absl::Span<const float> factor, DenseMatrix* values);

}  // namespace unlasting::predict
