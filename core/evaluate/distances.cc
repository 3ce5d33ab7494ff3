#include "core/evaluate/distances.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/base/parallel.h"

namespace unlasting::evaluate {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
// Genes a task: their columns are gathered together, so that rows are read in runs.
constexpr int64_t kGenesPerTask = 32;

// The area between the two empirical distribution functions. Both series are sorted.
double Wasserstein(const float* x, int64_t n, const float* y, int64_t m) {
  double total = 0;
  if (n == m) {
    for (int64_t k = 0; k < n; ++k) total += std::abs(static_cast<double>(x[k]) - y[k]);
    return total / static_cast<double>(n);
  }
  int64_t i = 0, j = 0;
  double last = std::min(x[0], y[0]);
  while (i < n || j < m) {
    const bool from_x = j == m || (i < n && x[i] <= y[j]);
    const double next = from_x ? x[i] : y[j];
    // |i / n - j / m| over the common denominator, exact in integers.
    total += static_cast<double>(std::abs(i * m - j * n)) * (next - last);
    last = next;
    (from_x ? i : j) += 1;
  }
  return total / (static_cast<double>(n) * static_cast<double>(m));
}

// Columns [first, first + count) of the matrix, each contiguous and sorted.
std::vector<float> SortedColumns(const DenseMatrix& matrix, int64_t first, int64_t count) {
  std::vector<float> columns(matrix.rows * count);
  for (int64_t r = 0; r < matrix.rows; ++r) {
    const float* row = matrix.values.data() + r * matrix.cols + first;
    for (int64_t g = 0; g < count; ++g) columns[g * matrix.rows + r] = row[g];
  }
  for (int64_t g = 0; g < count; ++g) {
    const auto begin = columns.begin() + g * matrix.rows;
    // Most values of a single-cell matrix are zeros: only the others need sorting.
    const auto zeros = std::partition(begin, begin + matrix.rows, [](float v) { return v < 0; });
    const auto rest = std::partition(zeros, begin + matrix.rows, [](float v) { return v == 0; });
    std::sort(begin, zeros);
    std::sort(rest, begin + matrix.rows);
  }
  return columns;
}

}  // namespace

EDistances EDistanceFromSums(const PairSums& cross, const PairSums& within_x, int64_t n,
                             const PairSums& within_y, int64_t m) {
  if (n == 0 || m == 0) return {kNan, kNan, kNan, kNan};
  const double nd = static_cast<double>(n);
  const double md = static_cast<double>(m);
  // Ordered pairs: each unordered one counts twice. With one cell there are none: 0 / 0.
  const auto within = [](double sum, double pairs) { return 2 * sum / pairs; };
  const double x_pairs = nd * (nd - 1), y_pairs = md * (md - 1);
  EDistances distances;
  const double between = 2 * cross.norm / (nd * md);
  distances.paper = between - within(within_x.norm, nd * nd) - within(within_y.norm, md * md);
  distances.unbiased = between - within(within_x.norm, x_pairs) - within(within_y.norm, y_pairs);
  distances.released =
      std::isnan(distances.unbiased) ? kNan : std::sqrt(std::max(0.0, distances.unbiased));
  distances.squared = 2 * cross.squared / (nd * md) - within(within_x.squared, x_pairs) -
                      within(within_y.squared, y_pairs);
  return distances;
}

EDistances EDistance(const DenseMatrix& x, const DenseMatrix& y, int threads) {
  PairOptions options;
  options.threads = threads;
  return EDistanceFromSums(CrossPairs(x, y, options), WithinPairs(x, options), x.rows,
                           WithinPairs(y, options), y.rows);
}

std::vector<double> ResampledEDistance(const PairSums& cross, const PairSums& within_x,
                                       const Resamples& x, int64_t n, const PairSums& within_y,
                                       const Resamples& y, int64_t m) {
  std::vector<double> distances;
  const double pairs = static_cast<double>(n) * static_cast<double>(m);
  const auto within = [](double sum, double of) { return of > 0 ? 2 * sum / of : kNan; };
  for (int b = 0; b < x.count(); ++b) {
    distances.push_back(2 * cross.resampled_norm[b] / pairs -
                        within(within_x.resampled_norm[b], x.PairsOfDifferentCells(b)) -
                        within(within_y.resampled_norm[b], y.PairsOfDifferentCells(b)));
  }
  return distances;
}

std::vector<double> EmdPerGene(const DenseMatrix& x, const DenseMatrix& y, int threads) {
  std::vector<double> distances(x.cols, kNan);
  if (x.rows == 0 || y.rows == 0) return distances;
  ParallelFor((x.cols + kGenesPerTask - 1) / kGenesPerTask, threads, [&](int64_t task) {
    const int64_t first = task * kGenesPerTask;
    const int64_t count = std::min(kGenesPerTask, x.cols - first);
    const std::vector<float> a = SortedColumns(x, first, count);
    const std::vector<float> b = SortedColumns(y, first, count);
    for (int64_t g = 0; g < count; ++g) {
      distances[first + g] =
          Wasserstein(a.data() + g * x.rows, x.rows, b.data() + g * y.rows, y.rows);
    }
  });
  return distances;
}

double Emd(const DenseMatrix& x, const DenseMatrix& y, int threads) {
  const std::vector<double> distances = EmdPerGene(x, y, threads);
  return std::accumulate(distances.begin(), distances.end(), 0.0) /
         static_cast<double>(distances.size());
}

}  // namespace unlasting::evaluate
