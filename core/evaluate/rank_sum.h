// RankSumTest compares two samples by the Wilcoxon (Mann-Whitney) rank-sum test for every caller of
// this project: scanpy's form, and the form of the scoring rules of the field.
//
// The caller owns the values, which are sorted; nothing is copied. All functions are pure.
#pragma once

#include <cstdint>

#include "absl/types/span.h"

namespace unlasting::evaluate {

// The two switches in which the programs of the field differ. scanpy's default sets neither; pdex,
// gpudge and scipy's default set both.
struct RankSumOptions {
  bool continuity = false;    // takes 0.5 off the distance between the statistic and its mean
  bool correct_ties = false;  // takes the variance of ranks with ties in place of distinct ranks
};

// One sample: the zeros by their number and every other value by itself.
struct SortedSample {
  absl::Span<const double> values;  // ascending, without NaN
  int64_t zeros = 0;                // lie below all `values`, which are positive where zeros > 0
  double tied = 0;                  // TiedTerm of this sample; only that of a reference is read

  int64_t size() const { return zeros + static_cast<int64_t>(values.size()); }
};

// The sum of t^3 - t over the runs of t equal values.
double TiedTerm(const SortedSample& sample);

struct RankSum {
  double z = 0;  // without continuity; positive where the group's values are the larger ones
  double p = 1;  // two-sided, by the normal approximation
};

// Tests `group` against `reference` with average ranks for ties. The cost is that of a binary
// search per value of the group. A sample without cells or without variance gives z = 0 and p = 1.
RankSum RankSumTest(const SortedSample& group, const SortedSample& reference,
                    const RankSumOptions& options);

}  // namespace unlasting::evaluate
