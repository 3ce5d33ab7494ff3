#include "server/rpc/summary.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <tuple>
#include <utility>

#include "absl/types/span.h"

namespace unlasting::server {
namespace {

// The offset that scanpy adds, which keeps genes without expression finite.
constexpr double kFoldChangeOffset = 1e-9;

// Gives the rows of a sparse matrix as dense ones, [columns], one at a time.
class DenseRows {
 public:
  explicit DenseRows(const CsrMatrix& matrix) : matrix_(matrix), row_(matrix.cols) {}

  // Valid until the next call.
  absl::Span<const float> operator()(int64_t r) {
    std::fill(row_.begin(), row_.end(), 0.0f);
    const auto columns = matrix_.RowIndices(r);
    const auto values = matrix_.RowValues(r);
    for (size_t k = 0; k < columns.size(); ++k) row_[columns[k]] = values[k];
    return row_;
  }

 private:
  const CsrMatrix& matrix_;
  std::vector<float> row_;
};

// Mean and unbiased variance (n - 1) per column of `rows` rows, in two passes and in double
// precision.
template <typename RowOf>
void Moments(int64_t rows, RowOf row_of, absl::Span<const int64_t> columns,
             std::vector<double>* mean, std::vector<double>* variance) {
  mean->assign(columns.size(), 0);
  variance->assign(columns.size(), 0);
  if (rows == 0) return;
  for (int64_t r = 0; r < rows; ++r) {
    const absl::Span<const float> row = row_of(r);
    for (size_t k = 0; k < columns.size(); ++k) (*mean)[k] += row[columns[k]];
  }
  for (double& value : *mean) value /= static_cast<double>(rows);
  if (rows < 2) return;
  for (int64_t r = 0; r < rows; ++r) {
    const absl::Span<const float> row = row_of(r);
    for (size_t k = 0; k < columns.size(); ++k) {
      const double delta = row[columns[k]] - (*mean)[k];
      (*variance)[k] += delta * delta;
    }
  }
  for (double& value : *variance) value /= static_cast<double>(rows - 1);
}

void Moments(const DenseMatrix& matrix, absl::Span<const int64_t> columns,
             std::vector<double>* mean, std::vector<double>* variance) {
  Moments(
      matrix.rows, [&matrix](int64_t r) { return matrix.Row(r); }, columns, mean, variance);
}

// Standard errors of the mean difference between a predicted cell and its own control cell. The
// pairs share what their cells have in common, which two separate deviations would count as noise.
std::vector<double> ChangeStandardErrors(const DenseMatrix& predicted, const CsrMatrix& controls,
                                         absl::Span<const int64_t> columns) {
  DenseMatrix change(predicted.rows, static_cast<int64_t>(columns.size()));
  std::vector<int64_t> all(columns.size());
  std::iota(all.begin(), all.end(), 0);
  DenseRows control_rows(controls);
  for (int64_t r = 0; r < predicted.rows; ++r) {
    const absl::Span<const float> control = control_rows(r);
    for (size_t k = 0; k < columns.size(); ++k) {
      change.At(r, static_cast<int64_t>(k)) = predicted.At(r, columns[k]) - control[columns[k]];
    }
  }
  std::vector<double> mean, variance;
  Moments(change, all, &mean, &variance);
  for (double& value : variance) value = std::sqrt(value / static_cast<double>(predicted.rows));
  return variance;
}

double Log2FoldChange(double mean, double control_mean) {
  return std::log2((std::expm1(mean) + kFoldChangeOffset) /
                   (std::expm1(control_mean) + kFoldChangeOffset));
}

}  // namespace

Summarizer::Summarizer(const CsrMatrix& controls, std::vector<int64_t> columns,
                       std::vector<std::string> genes, int ranked_genes,
                       const std::vector<std::string>& not_ranked)
    : controls_(controls),
      columns_(std::move(columns)),
      genes_(std::move(genes)),
      ranked_genes_(ranked_genes) {
  const std::set<std::string> left_out(not_ranked.begin(), not_ranked.end());
  for (size_t k = 0; k < genes_.size(); ++k) {
    if (left_out.count(genes_[k]) == 0) ranked_columns_.push_back(k);
  }
  Moments(controls.rows, DenseRows(controls), columns_, &control_mean_, &control_variance_);
}

v1::PerturbationSummary Summarizer::Summarize(const predict::Profiles& profiles) const {
  std::vector<double> mean;
  std::vector<double> variance;
  Moments(profiles.values, columns_, &mean, &variance);
  const double cells = static_cast<double>(profiles.values.rows);
  std::vector<double> active(columns_.size(), 0);
  for (int64_t r = 0; r < profiles.values.rows; ++r) {
    for (size_t k = 0; k < columns_.size(); ++k) {
      active[k] += profiles.values.At(r, columns_[k]) > 0 ? 1 : 0;
    }
  }

  const std::vector<double> change_error =
      ChangeStandardErrors(profiles.values, controls_, columns_);

  v1::PerturbationSummary summary;
  summary.set_perturbation_index(profiles.perturbation);
  std::vector<double> score(columns_.size(), 0);
  for (size_t k = 0; k < columns_.size(); ++k) {
    summary.add_mean(static_cast<float>(mean[k]));
    summary.add_control_mean(static_cast<float>(control_mean_[k]));
    summary.add_active_share(static_cast<float>(active[k] / cells));
    summary.add_active_probability(profiles.active_share[columns_[k]]);
    summary.add_log2_fold_change(static_cast<float>(Log2FoldChange(mean[k], control_mean_[k])));
    summary.add_standard_deviation(static_cast<float>(std::sqrt(variance[k])));
    summary.add_change_standard_error(static_cast<float>(change_error[k]));
    if (!profiles.mask_deviation.empty()) {
      summary.add_mask_standard_deviation(profiles.mask_deviation[columns_[k]]);
    }
    const double error =
        variance[k] / cells + control_variance_[k] / static_cast<double>(controls_.rows);
    if (error > 0) score[k] = (mean[k] - control_mean_[k]) / std::sqrt(error);
  }

  std::vector<size_t> order = ranked_columns_;
  const size_t ranked = std::min(order.size(), static_cast<size_t>(ranked_genes_));
  const auto before = [&](size_t a, size_t b) {
    return std::make_tuple(-std::abs(score[a]), -std::abs(mean[a] - control_mean_[a]), a) <
           std::make_tuple(-std::abs(score[b]), -std::abs(mean[b] - control_mean_[b]), b);
  };
  std::partial_sort(order.begin(), order.begin() + static_cast<int64_t>(ranked), order.end(),
                    before);
  for (size_t k = 0; k < ranked; ++k) {
    const size_t gene = order[k];
    v1::RankedGene* entry = summary.add_ranked_genes();
    entry->set_gene(genes_[gene]);
    entry->set_score(static_cast<float>(score[gene]));
    entry->set_log2_fold_change(summary.log2_fold_change(static_cast<int>(gene)));
    entry->set_mean_difference(static_cast<float>(mean[gene] - control_mean_[gene]));
  }
  return summary;
}

}  // namespace unlasting::server
