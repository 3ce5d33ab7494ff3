#include "core/evaluate/differential_expression.h"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/evaluate/column_statistics.h"
#include "core/evaluate/multiple_testing.h"
#include "core/evaluate/wilcoxon.h"

namespace unlasting::evaluate {
namespace {

// scanpy's guard against a silent gene in a ratio of means.
constexpr double kPseudocount = 1e-9;

using Policy = boost::math::policies::policy<
    boost::math::policies::domain_error<boost::math::policies::ignore_error>,
    boost::math::policies::overflow_error<boost::math::policies::ignore_error>,
    boost::math::policies::evaluation_error<boost::math::policies::ignore_error>,
    boost::math::policies::promote_double<false>>;

double TwoSidedP(double t, double degrees_of_freedom) {
  const boost::math::students_t_distribution<double, Policy> distribution(degrees_of_freedom);
  return std::min(1.0, 2 * boost::math::cdf(boost::math::complement(distribution, std::abs(t))));
}

// Scores and p values of t tests between groups of n and m cells.
void AddTTests(const ColumnStatistics& a, double n, const ColumnStatistics& b, double m,
               DifferentialExpression* de) {
  for (size_t g = 0; g < a.mean.size(); ++g) {
    const double group_error = a.variance[g] / n;
    const double reference_error = b.variance[g] / m;
    const double error = group_error + reference_error;
    double score = 0, p = 1;
    // False where both are constant and where a group of one cell has no variance.
    if (error > 0) {
      score = (a.mean[g] - b.mean[g]) / std::sqrt(error);
      p = TwoSidedP(score, error * error /
                               (group_error * group_error / (n - 1) +
                                reference_error * reference_error / (m - 1)));
    }
    de->score.push_back(score);
    de->p_value.push_back(p);
  }
}

}  // namespace

DifferentialExpression RankGenes(const DenseMatrix& group, const DenseMatrix& reference,
                                 Test test) {
  const ColumnStatistics a = StatisticsOf(group);
  const ColumnStatistics b = StatisticsOf(reference);
  DifferentialExpression de;
  if (test == Test::kWilcoxon || test == Test::kWilcoxonTies) {
    de.score = WilcoxonScores(group, reference, test == Test::kWilcoxonTies);
    for (const double z : de.score) de.p_value.push_back(std::erfc(std::abs(z) / std::sqrt(2.0)));
  } else {
    const double n = static_cast<double>(group.rows);
    const double m = test == Test::kOverestimateVar ? n : static_cast<double>(reference.rows);
    AddTTests(a, n, b, m, &de);
  }
  for (int64_t g = 0; g < group.cols; ++g) {
    de.log2_fold_change.push_back(
        std::log2((std::expm1(a.mean[g]) + kPseudocount) / (std::expm1(b.mean[g]) + kPseudocount)));
  }
  de.p_adjusted = BenjaminiHochberg(de.p_value);
  return de;
}

double WelchP(double score, double mean_difference, double variance, int64_t cells) {
  if (cells < 2) return std::numeric_limits<double>::quiet_NaN();
  if (score == 0) return 1;
  const auto n = static_cast<double>(cells);
  const double error = mean_difference / score * (mean_difference / score);
  const double own = variance / n;
  // Rounding can leave a second group that hardly varies below 0.
  const double other = std::max(error - own, 0.0);
  const double freedom = (own + other) * (own + other) / ((own * own + other * other) / (n - 1));
  return TwoSidedP(score, std::isfinite(freedom) ? std::clamp(freedom, 1.0, 2 * (n - 1)) : n - 1);
}

std::vector<int64_t> TopGenes(const DifferentialExpression& de, int count) {
  std::vector<int64_t> order(de.score.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t b) {
    return std::abs(de.score[a]) > std::abs(de.score[b]);
  });
  order.resize(std::min<size_t>(order.size(), std::max(count, 0)));
  return order;
}

std::vector<RankedGene> TopRanked(const DifferentialExpression& de, int count) {
  std::vector<RankedGene> ranked;
  for (const int64_t g : TopGenes(de, count)) {
    ranked.push_back({g, de.score[g], de.log2_fold_change[g], de.p_value[g], de.p_adjusted[g]});
  }
  return ranked;
}

}  // namespace unlasting::evaluate
