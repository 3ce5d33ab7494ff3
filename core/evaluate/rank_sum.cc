#include "core/evaluate/rank_sum.h"

#include <algorithm>
#include <cmath>

namespace unlasting::evaluate {
namespace {

double Cubed(double t) { return t * t * t - t; }

}  // namespace

double TiedTerm(const SortedSample& sample) {
  double tied = Cubed(static_cast<double>(sample.zeros));
  const auto& values = sample.values;
  for (size_t first = 0; first < values.size();) {
    size_t last = first;
    while (last < values.size() && values[last] == values[first]) ++last;
    tied += Cubed(static_cast<double>(last - first));
    first = last;
  }
  return tied;
}

RankSum RankSumTest(const SortedSample& group, const SortedSample& reference,
                    const RankSumOptions& options) {
  const double n = static_cast<double>(group.size()), k = static_cast<double>(reference.size());
  if (n == 0 || k == 0) return {};
  const double total = n + k;
  // Ranks count from 1 and run through the zeros of both samples first.
  const double zeros = static_cast<double>(group.zeros + reference.zeros);
  double rank_sum = static_cast<double>(group.zeros) * (zeros + 1) / 2;
  double tied = reference.tied + Cubed(zeros) - Cubed(static_cast<double>(reference.zeros));
  const double* at = reference.values.begin();
  for (size_t first = 0; first < group.values.size();) {
    const double value = group.values[first];
    size_t last = first;
    while (last < group.values.size() && group.values[last] == value) ++last;
    at = std::lower_bound(at, reference.values.end(), value);
    const double below =
        zeros + static_cast<double>(first) + static_cast<double>(at - reference.values.begin());
    const double* end = at;
    while (end != reference.values.end() && *end == value) ++end;
    const double own = static_cast<double>(last - first), others = static_cast<double>(end - at);
    rank_sum += own * (below + (own + others + 1) / 2);
    tied += Cubed(own + others) - Cubed(others);
    at = end;
    first = last;
  }
  double variance = n * k / 12 * (total + 1);
  if (options.correct_ties) variance = n * k / 12 * ((total + 1) - tied / (total * (total - 1)));
  if (!(variance > 0)) return {};
  const double deviation = std::sqrt(variance);
  const double distance = rank_sum - n * (n + 1) / 2 - n * k / 2;
  RankSum result;
  result.z = distance / deviation;
  const double corrected = std::abs(distance) - (options.continuity ? 0.5 : 0);
  result.p = std::min(1.0, std::erfc(corrected / deviation / std::sqrt(2.0)));
  return result;
}

}  // namespace unlasting::evaluate
