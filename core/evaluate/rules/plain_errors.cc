#include "core/evaluate/rules/plain_errors.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/base/parallel.h"
#include "core/evaluate/column_statistics.h"

namespace unlasting::evaluate::rules {
namespace {

struct Errors {
  double absolute = 0, squared = 0;  // means over genes
};

Errors ErrorsOf(absl::Span<const double> a, absl::Span<const double> b) {
  Errors errors;
  for (size_t g = 0; g < a.size(); ++g) {
    errors.absolute += std::abs(a[g] - b[g]);
    errors.squared += (a[g] - b[g]) * (a[g] - b[g]);
  }
  errors.absolute /= static_cast<double>(a.size());
  errors.squared /= static_cast<double>(a.size());
  return errors;
}

struct Distances {
  double l1 = 0, l2 = 0, cosine = 0;
};

Distances DistancesOf(const std::vector<double>& a, const std::vector<double>& b, int64_t own) {
  Distances d;
  double squared = 0, aa = 0, bb = 0, ab = 0;
  for (size_t g = 0; g < a.size(); ++g) {
    if (static_cast<int64_t>(g) == own) continue;
    d.l1 += std::abs(a[g] - b[g]);
    squared += (a[g] - b[g]) * (a[g] - b[g]);
    aa += a[g] * a[g];
    bb += b[g] * b[g];
    ab += a[g] * b[g];
  }
  d.l2 = std::sqrt(squared);
  // A prediction without any change is equally far from all; a truth without one comes last.
  d.cosine = aa == 0   ? 1
             : bb == 0 ? std::numeric_limits<double>::infinity()
                       : 1 - ab / (std::sqrt(aa) * std::sqrt(bb));
  return d;
}

// 1 - the place of `own` in the order of distances, ties in the order of targets, over their
// number.
double Placed(const std::vector<double>& distances, int64_t own) {
  double before = 0;
  for (size_t u = 0; u < distances.size(); ++u) {
    const bool tie = distances[u] == distances[own] && static_cast<int64_t>(u) < own;
    before += distances[u] < distances[own] || tie ? 1 : 0;
  }
  return 1 - before / static_cast<double>(distances.size());
}

}  // namespace

void AddProfileErrors(const LoggedTable& truth, const LoggedTable& predicted,
                      PlainMetrics* metrics) {
  for (int64_t t = 0; t < truth.targets; ++t) {
    const Errors profile = ErrorsOf(predicted.Mean(t), truth.Mean(t));
    const auto a = predicted.Delta(t), b = truth.Delta(t);
    const Errors change = ErrorsOf(a, b);
    (*metrics)["mae"].push_back(profile.absolute);
    (*metrics)["mse"].push_back(profile.squared);
    (*metrics)["mae_delta"].push_back(change.absolute);
    (*metrics)["mse_delta"].push_back(change.squared);
    const auto [low, high] = std::minmax_element(a.begin(), a.end());
    (*metrics)["pearson_delta"].push_back(*low < *high ? Pearson(a, b)
                                                       : std::numeric_limits<double>::quiet_NaN());
  }
}

void AddDiscrimination(const LoggedTable& truth, const LoggedTable& predicted,
                       const std::vector<int64_t>& own_gene, int threads, PlainMetrics* metrics) {
  std::vector<std::vector<double>> deltas;
  for (int64_t t = 0; t < truth.targets; ++t) deltas.push_back(truth.Delta(t));
  std::vector<Distances> scores(truth.targets);
  ParallelFor(truth.targets, threads, [&](int64_t t) {
    const std::vector<double> change = predicted.Delta(t);
    std::vector<double> l1, l2, cosine;
    for (const auto& delta : deltas) {
      const Distances d = DistancesOf(change, delta, own_gene[t]);
      l1.push_back(d.l1);
      l2.push_back(d.l2);
      cosine.push_back(d.cosine);
    }
    scores[t] = {Placed(l1, t), Placed(l2, t), Placed(cosine, t)};
  });
  for (const Distances& score : scores) {
    (*metrics)["discrimination_score_l1"].push_back(score.l1);
    (*metrics)["discrimination_score_l2"].push_back(score.l2);
    (*metrics)["discrimination_score_cosine"].push_back(score.cosine);
  }
}

}  // namespace unlasting::evaluate::rules
