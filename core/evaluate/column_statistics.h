// ColumnStatistics holds what each gene does over a group of cells: its mean, its variance and its
// share of silent cells.
#pragma once

#include <vector>

#include "core/base/matrix.h"

namespace unlasting::evaluate {

// One entry per gene. All NaN for a group without cells.
struct ColumnStatistics {
  std::vector<double> mean;
  std::vector<double> variance;      // over n - 1; NaN for one cell
  std::vector<double> silent_share;  // share of the cells with the value 0
};
ColumnStatistics StatisticsOf(const DenseMatrix& cells);

// Correlation of two equally long series; NaN where one of them is constant or shorter than two.
double Pearson(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace unlasting::evaluate
