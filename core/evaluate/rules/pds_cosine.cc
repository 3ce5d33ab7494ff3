#include "core/evaluate/rules/pds_cosine.h"

#include <algorithm>
#include <cmath>

#include "core/base/parallel.h"

namespace unlasting::evaluate::rules {
namespace {

// Eight partial sums, so that the compiler may add them side by side without reordering.
double Dot(const double* a, const double* b, int64_t n) {
  double parts[8] = {};
  int64_t k = 0;
  for (; k + 8 <= n; k += 8) {
    for (int lane = 0; lane < 8; ++lane) parts[lane] += a[k + lane] * b[k + lane];
  }
  double sum = 0;
  for (const double part : parts) sum += part;
  for (; k < n; ++k) sum += a[k] * b[k];
  return sum;
}

// [targets, kept genes] changes against a control.
std::vector<double> Changes(const SampleTable& table, absl::Span<const double> control,
                            const std::vector<int64_t>& kept) {
  std::vector<double> changes;
  changes.reserve(table.targets * kept.size());
  for (int64_t t = 0; t < table.targets; ++t) {
    const auto bulk = table.Bulk(t);
    for (const int64_t g : kept) changes.push_back(bulk[g] - control[g]);
  }
  return changes;
}

}  // namespace

std::vector<double> PdsCosine(const SampleTable& truth, const SampleTable& predicted,
                              absl::Span<const double> predicted_control,
                              const std::vector<int64_t>& own_gene, int threads) {
  std::vector<int64_t> kept;
  std::vector<bool> own(truth.genes, false);
  for (const int64_t g : own_gene) {
    if (g >= 0) own[g] = true;
  }
  for (int64_t g = 0; g < truth.genes; ++g) {
    if (!own[g]) kept.push_back(g);
  }
  const auto width = static_cast<int64_t>(kept.size());
  const std::vector<double> a = Changes(predicted, predicted_control, kept);
  const std::vector<double> b = Changes(truth, truth.Bulk(truth.targets), kept);
  std::vector<double> norms(truth.targets);
  for (int64_t u = 0; u < truth.targets; ++u) {
    norms[u] = std::sqrt(Dot(b.data() + u * width, b.data() + u * width, width));
  }
  std::vector<double> scores(truth.targets, 1);
  ParallelFor(truth.targets, threads, [&](int64_t t) {
    const double* row = a.data() + t * width;
    const double norm = std::sqrt(Dot(row, row, width));
    std::vector<double> distances(truth.targets);
    for (int64_t u = 0; u < truth.targets; ++u) {
      const double both = norm * norms[u];
      const double cosine = both > 0 ? Dot(row, b.data() + u * width, width) / both : 0;
      distances[u] = std::clamp(1 - cosine, 0.0, 2.0);
    }
    if (truth.targets == 1) return;
    double worse = 0;
    for (int64_t u = 0; u < truth.targets; ++u) {
      if (u == t) continue;
      worse += distances[u] < distances[t] ? 1 : distances[u] == distances[t] ? 0.5 : 0;
    }
    scores[t] = 1 - worse / static_cast<double>(truth.targets - 1);
  });
  return scores;
}

}  // namespace unlasting::evaluate::rules
