// DrawCounts draws whole counts from a predicted profile, as a sequencer would have counted the
// cell: from a negative binomial around each value's expected count, cut off at zero so that active
// genes stay active. Each draw is a function of its place alone, so that it does not depend on the
// other cells, genes and requests. Pure functions; any thread.
#pragma once

#include <cstdint>

#include "absl/types/span.h"

namespace unlasting::predict {

// What the counts of one cell are drawn by.
struct CountDraw {
  uint64_t key = 0;             // of the cell under its perturbation, with the request's seed
  double scale = 0;             // counts of the cell in all, over the bundle's target sum
  double dispersion_share = 1;  // of the genes' dispersions (bundle::CountModel)
};

// The range of counts in all that a cell may be drawn with.
inline constexpr double kLeastCountDepth = 1;
inline constexpr double kLargestCountDepth = 1e7;
// Expected counts beyond it are cut to it: whole numbers up to here are exact in float32.
inline constexpr double kLargestCount = 1 << 24;

// The expected count of a log1p value; 0 where the gene is silent.
double ExpectedCount(float log1p, const CountDraw& draw);

// A count of expectation `expected`, 0 to kLargestCount. From 1 on it is that of a negative
// binomial of this dispersion (variance mean + dispersion mean^2) that is not 0; below 1, where no
// count above 0 could have the expectation, it is 1 with that probability and else 0.
float DrawCount(double expected, double dispersion, uint64_t key);

// `counts` [columns] of the genes `columns` of a profile, `log1p` [N] and `dispersion` [N].
void DrawCounts(absl::Span<const float> log1p, absl::Span<const double> dispersion,
                const CountDraw& draw, absl::Span<const int64_t> columns, absl::Span<float> counts);

}  // namespace unlasting::predict
