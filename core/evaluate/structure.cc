#include "core/evaluate/structure.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/evaluate/column_statistics.h"
#include "core/evaluate/differential_expression.h"

namespace unlasting::evaluate {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kChanged = 25, kGenes = 50;
constexpr double kConstant = 1e-9;  // a gene with a smaller deviation correlates with none

// Upper triangle, row by row, of the means over cells of the products of two columns.
// `columns` is [genes][cells].
std::vector<double> PairMeans(const std::vector<std::vector<double>>& columns) {
  std::vector<double> means;
  for (size_t a = 0; a < columns.size(); ++a) {
    for (size_t b = a + 1; b < columns.size(); ++b) {
      const double sum =
          std::inner_product(columns[a].begin(), columns[a].end(), columns[b].begin(), 0.0);
      means.push_back(sum / static_cast<double>(columns[a].size()));
    }
  }
  return means;
}

std::vector<std::vector<double>> Columns(const DenseMatrix& cells,
                                         const std::vector<int64_t>& genes) {
  std::vector<std::vector<double>> columns;
  for (const int64_t gene : genes) {
    columns.emplace_back();
    for (int64_t r = 0; r < cells.rows; ++r) columns.back().push_back(cells.At(r, gene));
  }
  return columns;
}

std::vector<double> Correlations(const DenseMatrix& cells, const std::vector<int64_t>& genes) {
  auto columns = Columns(cells, genes);
  for (auto& column : columns) {
    const double n = static_cast<double>(column.size());
    const double mean = std::accumulate(column.begin(), column.end(), 0.0) / n;
    double variance = 0;
    for (double& value : column) {
      value -= mean;
      variance += value * value;
    }
    const double deviation = std::sqrt(variance / n);
    for (double& value : column) value = deviation > kConstant ? value / deviation : 0;
  }
  return PairMeans(columns);
}

std::vector<double> SilentPairs(const DenseMatrix& cells, const std::vector<int64_t>& genes) {
  auto columns = Columns(cells, genes);
  for (auto& column : columns) {
    for (double& value : column) value = value <= 0 ? 1 : 0;
  }
  return PairMeans(columns);
}

double RootMeanSquare(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t k = 0; k < a.size(); ++k) sum += (a[k] - b[k]) * (a[k] - b[k]);
  return std::sqrt(sum / static_cast<double>(a.size()));
}

struct Spread {
  double mean = 0, deviation = 0;
};

Spread ActiveGenes(const DenseMatrix& cells) {
  std::vector<double> active(cells.rows, 0);
  for (int64_t r = 0; r < cells.rows; ++r) {
    for (const float value : cells.Row(r)) active[r] += value > 0 ? 1 : 0;
  }
  Spread spread;
  const double n = static_cast<double>(cells.rows);
  spread.mean = std::accumulate(active.begin(), active.end(), 0.0) / n;
  for (const double count : active) {
    spread.deviation += (count - spread.mean) * (count - spread.mean);
  }
  spread.deviation = std::sqrt(spread.deviation / n);
  return spread;
}

}  // namespace

StructureGenes ChooseStructureGenes(const DenseMatrix& truth, const DenseMatrix& control) {
  StructureGenes genes;
  if (truth.rows < 2 || control.rows < 2) return genes;
  const std::vector<int64_t> changed =
      TopGenes(RankGenes(truth, control), static_cast<int>(truth.cols));
  const ColumnStatistics statistics = StatisticsOf(truth);
  std::vector<int64_t> variable(truth.cols);
  std::iota(variable.begin(), variable.end(), 0);
  std::stable_sort(variable.begin(), variable.end(), [&](int64_t a, int64_t b) {
    return statistics.variance[a] > statistics.variance[b];
  });
  genes.correlated.assign(changed.begin(), changed.begin() + std::min(changed.size(), kChanged));
  const std::vector<int64_t> first = genes.correlated;
  for (const int64_t gene : variable) {
    if (genes.correlated.size() >= std::min(first.size() + kChanged, kGenes)) break;
    if (std::find(first.begin(), first.end(), gene) == first.end()) {
      genes.correlated.push_back(gene);
    }
  }
  for (const int64_t gene : changed) {
    int64_t active = 0;
    for (int64_t r = 0; r < truth.rows; ++r) active += truth.At(r, gene) > 0 ? 1 : 0;
    const double share = static_cast<double>(active) / static_cast<double>(truth.rows);
    if (share < 0.1 || share > 0.9) continue;
    genes.silenced.push_back(gene);
    if (genes.silenced.size() == kGenes) break;
  }
  return genes;
}

Structure CompareStructure(const DenseMatrix& predicted, const DenseMatrix& truth,
                           const StructureGenes& genes) {
  Structure result = {kNan, kNan, kNan, kNan, kNan};
  if (predicted.rows < 2 || truth.rows < 2) return result;
  if (genes.correlated.size() > 1) {
    const auto a = Correlations(predicted, genes.correlated);
    const auto b = Correlations(truth, genes.correlated);
    result.correlation_error = RootMeanSquare(a, b);
    result.correlation_agreement = Pearson(a, b);
  }
  if (genes.silenced.size() > 2) {
    result.co_silence_error =
        RootMeanSquare(SilentPairs(predicted, genes.silenced), SilentPairs(truth, genes.silenced));
  }
  const Spread a = ActiveGenes(predicted), b = ActiveGenes(truth);
  if (b.mean > 0) result.active_genes_mean = a.mean / b.mean;
  if (b.deviation > 0) result.active_genes_spread = a.deviation / b.deviation;
  return result;
}

}  // namespace unlasting::evaluate
