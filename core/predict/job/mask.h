// The mask functions set the silent genes of generated profiles to 0 for a job (eq 15, Appendix
// A.2). Pure functions; any thread. N is the bundle's number of genes.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "core/base/matrix.h"
#include "core/predict/query/query.h"

namespace unlasting::predict {

// The fewest cells of one type in a task whose ranks are trusted; below it, the thresholds come
// from the bundle's panel, so that a cell's result does not depend on which cells come with it.
inline constexpr int64_t kMinRankedCells = 20;

// Rank coupling: per gene, the top share p_g of the generated values is kept, the rest becomes 0.
// `values` [cells, N] in place; `share` [N] in 0..1.
void KeepTopShare(absl::Span<const double> share, DenseMatrix* values);

// Per gene the value below which all but the top share of `values` lie; [N].
std::vector<float> TopShareThresholds(const DenseMatrix& values, absl::Span<const double> share);
// Sets each value below its gene's threshold to 0; `threshold` [N].
void KeepAbove(absl::Span<const float> threshold, DenseMatrix* values);

// Mean over cells, [N].
std::vector<double> MeanProbability(const DenseMatrix& probability);

// Per gene, the share of control cells whose probability of being active reaches the threshold;
// [N]. The mode `sample` draws with it.
std::vector<double> PredictedActive(const DenseMatrix& probability, double threshold);

// Applies the modes cell, aggregate and sample; `probability` and `values` are [cells, N]. A draw
// of `sample` is a function of (seed, stream, cell, gene) alone.
void ApplyMask(MaskMode mode, double threshold, uint64_t seed, uint64_t stream,
               const DenseMatrix& probability, DenseMatrix* values);

}  // namespace unlasting::predict
