// Which genes of a generated profile are silent (eq 15, Appendix A.2).
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "core/base/matrix.h"
#include "core/predict/query/query.h"

namespace unlasting::predict {

// Fewest cells of one type in a request whose ranks are trusted; below it the thresholds come from
// the bundle's panel, so that a cell's answer does not jump with its company.
inline constexpr int64_t kFewestRankedCells = 20;

// Rank coupling: per gene, the top share p_g of the generated values stays, the rest becomes 0.
// `values` [cells, N] in place; `share` [N] in 0..1.
void KeepTopShare(absl::Span<const double> share, DenseMatrix* values);

// Per gene the value below which all but the top share of `values` lie; [N].
std::vector<float> TopShareThresholds(const DenseMatrix& values, absl::Span<const double> share);
void KeepAbove(absl::Span<const float> threshold, DenseMatrix* values);

// Mean over cells, [N].
std::vector<double> MeanProbability(const DenseMatrix& probability);

// Share of the control cells that are predicted active, their probability reaching the threshold;
// [N]: what `sample` draws with.
std::vector<double> PredictedActive(const DenseMatrix& probability, double threshold);

// The other modes: `probability` [cells, N]. `sample` draws by (seed, stream, cell, gene) alone.
void ApplyMask(MaskMode mode, double threshold, uint64_t seed, uint64_t stream,
               const DenseMatrix& probability, DenseMatrix* values);

}  // namespace unlasting::predict
