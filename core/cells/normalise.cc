#include "core/cells/normalise.h"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace unlasting::cells {
std::vector<double> RowSums(const CsrMatrix& counts) {
  std::vector<double> sums(counts.rows, 0.0);
  for (int64_t r = 0; r < counts.rows; ++r) {
    for (const float value : counts.RowValues(r)) sums[r] += value;
  }
  return sums;
}

double MedianLibrarySize(const std::vector<double>& sums, const std::vector<int64_t>& cells) {
  std::vector<double> positive;
  if (cells.empty()) {
    std::copy_if(sums.begin(), sums.end(), std::back_inserter(positive),
                 [](double sum) { return sum > 0; });
  } else {
    for (const int64_t cell : cells) {
      if (sums[cell] > 0) positive.push_back(sums[cell]);
    }
  }
  if (positive.empty()) return 1.0;
  std::sort(positive.begin(), positive.end());
  const size_t half = positive.size() / 2;
  return positive.size() % 2 == 1 ? positive[half] : 0.5 * (positive[half - 1] + positive[half]);
}

void NormaliseLog1p(const std::vector<double>& library_sizes, double target_sum,
                    CsrMatrix* counts) {
  for (int64_t r = 0; r < counts->rows; ++r) {
    if (!(library_sizes[r] > 0)) continue;
    const CountScale scale(library_sizes[r], target_sum);
    for (float& value : counts->RowValues(r)) value = scale.Log1p(value);
  }
}

void MeanAndDeviation(const CsrMatrix& values, const std::vector<int64_t>& rows,
                      std::vector<double>* mean, std::vector<double>* deviation) {
  mean->assign(values.cols, 0.0);
  deviation->assign(values.cols, 0.0);
  if (rows.empty()) return;
  for (const int64_t r : rows) {
    const auto columns = values.RowIndices(r);
    const auto row = values.RowValues(r);
    for (size_t k = 0; k < columns.size(); ++k) (*mean)[columns[k]] += row[k];
  }
  const double n = static_cast<double>(rows.size());
  for (double& m : *mean) m /= n;
  // Second pass about the mean: stable where the spread is small.
  std::vector<int64_t> present(values.cols, 0);
  for (const int64_t r : rows) {
    const auto columns = values.RowIndices(r);
    const auto row = values.RowValues(r);
    for (size_t k = 0; k < columns.size(); ++k) {
      const double difference = row[k] - (*mean)[columns[k]];
      (*deviation)[columns[k]] += difference * difference;
      ++present[columns[k]];
    }
  }
  for (int64_t g = 0; g < values.cols; ++g) {
    const double absent = n - static_cast<double>(present[g]);
    const double total = (*deviation)[g] + absent * (*mean)[g] * (*mean)[g];
    (*deviation)[g] = n > 1 ? std::sqrt(total / (n - 1)) : 0.0;
  }
}

ControlStatistics ControlsByCellType(const Dataset& dataset, const std::vector<int64_t>& cells) {
  const int64_t types = static_cast<int64_t>(dataset.cell_types.size());
  std::vector<std::vector<int64_t>> rows(types);
  std::vector<int64_t> all;
  for (const int64_t cell : cells) {
    if (!dataset.conditions[dataset.condition[cell]].control) continue;
    rows[dataset.cell_type[cell]].push_back(cell);
    all.push_back(cell);
  }
  ControlStatistics statistics;
  statistics.mean = DenseMatrix(types, dataset.n_genes());
  statistics.deviation = DenseMatrix(types, dataset.n_genes());
  for (int64_t c = 0; c < types; ++c) {
    statistics.cells_per_type.push_back(static_cast<int64_t>(rows[c].size()));
    std::vector<double> mean, deviation;
    MeanAndDeviation(dataset.values, rows[c].empty() ? all : rows[c], &mean, &deviation);
    std::copy(mean.begin(), mean.end(), statistics.mean.Row(c).begin());
    std::copy(deviation.begin(), deviation.end(), statistics.deviation.Row(c).begin());
  }
  return statistics;
}

}  // namespace unlasting::cells
