#include "client/pages/control_profile.h"

#include <algorithm>
#include <cmath>

#include "core/base/status.h"
#include "core/cells/gene_index.h"
#include "core/cells/log_scale.h"
#include "core/cells/normalise.h"

namespace unlasting::client {
namespace {

// Means are of float32 values, summed in another order.
constexpr double kTolerance = 1e-3;

// Takes one cell's values at a time to log1p on the scale of the model.
class RowReader {
 public:
  RowReader(const cells::ControlMatrix& controls, double target_sum)
      : controls_(controls),
        target_sum_(target_sum),
        conversion_({2.718281828459045, controls.target_sum, ""}, target_sum) {}

  // `columns_of` gives for each column of the controls the places in `row` that it fills. `plain`
  // leaves counts as they are, in log1p.
  void Read(int64_t r, const std::vector<std::vector<size_t>>& columns_of, bool plain,
            absl::Span<float> row) const {
    const bool counts = controls_.kind == cells::MatrixKind::kCounts;
    const auto indices = controls_.values.RowIndices(r);
    const auto values = controls_.values.RowValues(r);
    double library = 0;
    if (counts && !plain) {
      if (controls_.library_sizes.empty()) {
        for (const float value : values) library += value;
      } else {
        library = controls_.library_sizes[r];
      }
    }
    const cells::CountScale scale(library, target_sum_);
    std::fill(row.begin(), row.end(), 0.0f);
    for (size_t k = 0; k < indices.size(); ++k) {
      for (const size_t place : columns_of[indices[k]]) {
        row[place] = plain                   ? std::log1p(values[k])
                     : counts                ? scale.Log1p(values[k])
                     : conversion_.changes() ? conversion_.Convert(values[k])
                                             : values[k];
      }
    }
  }

 private:
  const cells::ControlMatrix& controls_;
  double target_sum_;
  cells::LogConversion conversion_;
};

}  // namespace

std::vector<int64_t> SomeRows(int64_t count, int64_t most) {
  std::vector<int64_t> rows;
  const int64_t shown = std::min(count, most);
  for (int64_t k = 0; k < shown; ++k) rows.push_back(k * count / shown);
  return rows;
}

absl::StatusOr<ControlProfile> MakeControlProfile(
    const cells::ControlMatrix& controls, const v1::Model& model, const v1::PredictHeader& header,
    const v1::PerturbationSummary& summary, const std::vector<int64_t>& columns, int64_t most) {
  const bool drawn = header.value_kind() == v1::VALUE_KIND_DRAWN_COUNTS;
  if (drawn && (controls.kind != cells::MatrixKind::kCounts || header.count_depth() > 0)) {
    return absl::FailedPreconditionError(
        "The predicted cells are counts of another depth than the control cells, which are not "
        "drawn.");
  }
  std::vector<std::string> genes;
  for (const int64_t column : columns) genes.push_back(header.genes(static_cast<int>(column)));
  const cells::GeneSymbols symbols(model.gene_symbols().begin(), model.gene_symbols().end());
  const std::vector<int64_t> sources =
      cells::MatchGenes(genes, symbols, cells::GeneIndex(controls.genes));
  std::vector<std::vector<size_t>> columns_of(controls.values.cols);
  for (size_t k = 0; k < sources.size(); ++k) {
    if (sources[k] >= 0) columns_of[sources[k]].push_back(k);
  }
  const RowReader reader(controls, header.target_sum());
  const auto width = static_cast<int64_t>(columns.size());
  const std::vector<int64_t> chosen = SomeRows(controls.values.rows, most);
  ControlProfile profile;
  profile.cells = DenseMatrix(static_cast<int64_t>(chosen.size()), width);
  profile.share.assign(columns.size(), 0.0);
  std::vector<double> mean(columns.size(), 0.0);
  std::vector<float> row(columns.size());
  size_t next = 0;
  for (int64_t r = 0; r < controls.values.rows; ++r) {
    reader.Read(r, columns_of, false, absl::MakeSpan(row));
    for (size_t g = 0; g < row.size(); ++g) {
      mean[g] += row[g] / static_cast<double>(controls.values.rows);
      if (row[g] > 0) profile.share[g] += 1.0 / static_cast<double>(controls.values.rows);
    }
    if (next == chosen.size() || chosen[next] != r) continue;
    reader.Read(r, columns_of, drawn, profile.cells.Row(static_cast<int64_t>(next++)));
  }
  for (size_t g = 0; g < mean.size(); ++g) {
    const auto column = static_cast<int>(columns[g]);
    const double said = column < summary.control_mean_size() ? summary.control_mean(column) : 0;
    if (std::abs(mean[g] - said) <= kTolerance * (1 + std::abs(said))) continue;
    return absl::FailedPreconditionError(
        "The control cells were converted by the server in a way that cannot be repeated here, and "
        "are not drawn.");
  }
  return profile;
}

}  // namespace unlasting::client
