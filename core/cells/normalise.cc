#include "core/cells/normalise.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace unlasting::cells {
namespace {

constexpr int kBins = 20;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// pandas.cut(values, 20): equal bins between the extremes, closed on the right, the lowest edge
// lowered by a thousandth of the range so that the minimum falls into the first bin.
std::vector<int> CutIntoBins(const std::vector<double>& values) {
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  double first = *low;
  double last = *high;
  if (first == last) {
    first -= first != 0 ? 0.001 * std::abs(first) : 0.001;
    last += last != 0 ? 0.001 * std::abs(last) : 0.001;
  }
  std::vector<double> edges;
  for (int k = 0; k <= kBins; ++k) edges.push_back(first + (last - first) * k / kBins);
  edges.back() = last;
  if (*low != *high) edges.front() -= (last - first) * 0.001;
  std::vector<int> bins;
  for (const double value : values) {
    const auto edge = std::lower_bound(edges.begin(), edges.end(), value);
    bins.push_back(std::clamp(static_cast<int>(edge - edges.begin()) - 1, 0, kBins - 1));
  }
  return bins;
}

}  // namespace

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
    const double factor = target_sum / library_sizes[r];
    for (float& value : counts->RowValues(r)) {
      value = static_cast<float>(std::log1p(value * factor));
    }
  }
}

GeneDispersion SeuratDispersion(const CsrMatrix& values) {
  const int64_t genes = values.cols;
  std::vector<double> sum(genes, 0.0), squares(genes, 0.0);
  for (size_t k = 0; k < values.values.size(); ++k) {
    const double linear = std::expm1(static_cast<double>(values.values[k]));
    sum[values.indices[k]] += linear;
    squares[values.indices[k]] += linear * linear;
  }
  const double n = static_cast<double>(values.rows);
  std::vector<double> dispersion(genes);
  GeneDispersion result;
  result.mean.resize(genes);
  for (int64_t g = 0; g < genes; ++g) {
    double mean = sum[g] / n;
    const double variance = (squares[g] / n - mean * mean) * n / (n - 1);
    if (mean == 0) mean = 1e-12;
    const double ratio = variance / mean;
    dispersion[g] = ratio > 0 ? std::log(ratio) : kNan;
    result.mean[g] = std::log1p(mean);
  }
  const std::vector<int> bins = CutIntoBins(result.mean);
  std::vector<double> bin_mean(kBins, 0.0), bin_deviation(kBins, 0.0);
  std::vector<int> bin_size(kBins, 0);
  for (int64_t g = 0; g < genes; ++g) {
    if (std::isnan(dispersion[g])) continue;
    bin_mean[bins[g]] += dispersion[g];
    ++bin_size[bins[g]];
  }
  for (int b = 0; b < kBins; ++b) bin_mean[b] /= std::max(bin_size[b], 1);
  for (int64_t g = 0; g < genes; ++g) {
    if (std::isnan(dispersion[g])) continue;
    const double difference = dispersion[g] - bin_mean[bins[g]];
    bin_deviation[bins[g]] += difference * difference;
  }
  for (int b = 0; b < kBins; ++b) {
    if (bin_size[b] > 1) {
      bin_deviation[b] = std::sqrt(bin_deviation[b] / (bin_size[b] - 1));
    } else {
      // A gene alone in its bin gets a normalised dispersion of 1, as in scanpy.
      bin_deviation[b] = bin_mean[b];
      bin_mean[b] = 0;
    }
  }
  result.normalised.resize(genes);
  for (int64_t g = 0; g < genes; ++g) {
    result.normalised[g] = (dispersion[g] - bin_mean[bins[g]]) / bin_deviation[bins[g]];
  }
  return result;
}

std::vector<int64_t> HighlyVariableGenes(const GeneDispersion& dispersion, int64_t count) {
  const int64_t genes = static_cast<int64_t>(dispersion.normalised.size());
  std::vector<int64_t> kept;
  if (count <= 0 || count >= genes) {
    kept.resize(genes);
    std::iota(kept.begin(), kept.end(), 0);
    return kept;
  }
  std::vector<double> finite;
  for (const double value : dispersion.normalised) {
    if (!std::isnan(value)) finite.push_back(value);
  }
  std::sort(finite.rbegin(), finite.rend());
  const double cutoff = finite.empty() ? 0.0 : finite[std::min<size_t>(count, finite.size()) - 1];
  for (int64_t g = 0; g < genes; ++g) {
    const double value = std::isnan(dispersion.normalised[g]) ? 0.0 : dispersion.normalised[g];
    if (value >= cutoff) kept.push_back(g);
  }
  return kept;
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
