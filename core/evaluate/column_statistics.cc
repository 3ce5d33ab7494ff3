#include "core/evaluate/column_statistics.h"

#include <cmath>
#include <limits>
#include <numeric>

namespace unlasting::evaluate {

ColumnStatistics StatisticsOf(const DenseMatrix& cells) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  ColumnStatistics statistics;
  const double n = static_cast<double>(cells.rows);
  const double empty = cells.rows == 0 ? kNan : 0.0;
  statistics.mean.assign(cells.cols, empty);
  statistics.variance.assign(cells.cols, cells.rows < 2 ? kNan : 0.0);
  statistics.silent_share.assign(cells.cols, empty);
  for (int64_t r = 0; r < cells.rows; ++r) {
    const auto row = cells.Row(r);
    for (int64_t g = 0; g < cells.cols; ++g) {
      statistics.mean[g] += row[g];
      statistics.silent_share[g] += row[g] == 0;
    }
  }
  for (int64_t g = 0; g < cells.cols; ++g) {
    statistics.mean[g] /= n;
    statistics.silent_share[g] /= n;
  }
  // A second pass about the mean: exact zero for constant genes, stable where the spread is small.
  for (int64_t r = 0; r < cells.rows; ++r) {
    const auto row = cells.Row(r);
    for (int64_t g = 0; g < cells.cols; ++g) {
      const double difference = row[g] - statistics.mean[g];
      statistics.variance[g] += difference * difference;
    }
  }
  for (double& variance : statistics.variance) variance /= n - 1;
  return statistics;
}

double Pearson(const std::vector<double>& a, const std::vector<double>& b) {
  const double n = static_cast<double>(a.size());
  const double mean_a = std::accumulate(a.begin(), a.end(), 0.0) / n;
  const double mean_b = std::accumulate(b.begin(), b.end(), 0.0) / n;
  double aa = 0, bb = 0, ab = 0;
  for (size_t k = 0; k < a.size(); ++k) {
    aa += (a[k] - mean_a) * (a[k] - mean_a);
    bb += (b[k] - mean_b) * (b[k] - mean_b);
    ab += (a[k] - mean_a) * (b[k] - mean_b);
  }
  if (!(aa > 0) || !(bb > 0)) return std::numeric_limits<double>::quiet_NaN();
  return ab / std::sqrt(aa * bb);
}

}  // namespace unlasting::evaluate
