#include "core/evaluate/rules/count_survey.h"

#include <cmath>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace unlasting::evaluate::rules {
namespace {

constexpr double kMaxFraction = 1e-6;
constexpr double kMaxCellTotal = 1e6;

absl::Status BadValue(const CellTable& table, int64_t cell, int32_t gene, float value) {
  return absl::InvalidArgumentError(
      absl::StrCat(table.name, ": X: found ", value, " in cell ", cell, " (counted from 0), gene ",
                   table.genes[gene],
                   ", expected whole counts of 0 or more: this rule scores counts, not log1p ",
                   "or normalised values (--rule cell-eval takes log1p)"));
}

}  // namespace

absl::StatusOr<CountSurvey> SurveyCounts(const CellTable& table, const Groups& groups) {
  const auto genes = static_cast<int64_t>(table.genes.size());
  CountSurvey survey;
  survey.library.assign(table.labels.size(), 0);
  survey.expressed.assign(genes, 0);
  survey.sums.assign(groups.cells.size() * genes, 0);
  UNLASTING_RETURN_IF_ERROR(
      table.rows->ForEachBlock([&](int64_t first, const CsrMatrix& block) -> absl::Status {
        for (int64_t r = 0; r < block.rows; ++r) {
          const int64_t cell = first + r;
          const auto indices = block.RowIndices(r);
          const auto values = block.RowValues(r);
          double* sums = survey.sums.data() + groups.of_cell[cell] * genes;
          double total = 0;
          for (size_t k = 0; k < values.size(); ++k) {
            const float value = values[k];
            if (value == 0) continue;
            if (!(value > 0) || !std::isfinite(value) ||
                std::abs(value - std::round(value)) > kMaxFraction) {
              return BadValue(table, cell, indices[k], value);
            }
            total += value;
            sums[indices[k]] += value;
            ++survey.expressed[indices[k]];
          }
          if (total > kMaxCellTotal) {
            return absl::InvalidArgumentError(absl::StrCat(
                table.name, ": X: found ", total, " counts in cell ", cell,
                " (counted from 0), expected at most 1e6: the values may not be raw counts"));
          }
          survey.library[cell] = total;
        }
        return absl::OkStatus();
      }));
  return survey;
}

}  // namespace unlasting::evaluate::rules
