#include "core/cells/survey.h"

#include <algorithm>
#include <cmath>

#include "core/base/status.h"

namespace unlasting::cells {
namespace {

bool Trains(const std::vector<bool>& training, int64_t cell) {
  return training.empty() || training[cell];
}

void AddRow(absl::Span<const int32_t> genes, absl::Span<const float> values, double scale,
            bool logarithms, Survey* survey) {
  for (size_t k = 0; k < genes.size(); ++k) {
    const double value = values[k];
    const double linear = logarithms ? std::expm1(value) : value * scale;
    survey->linear.sum[genes[k]] += linear;
    survey->linear.squares[genes[k]] += linear * linear;
    survey->raw.sum[genes[k]] += value;
    survey->raw.squares[genes[k]] += value * value;
  }
}

// One pass under the assumption that the values are counts, or that they are logarithms. Ends
// early, with `range` saying why, where counts turn out to have fractions.
absl::StatusOr<Survey> Pass(RowSource* rows, const SurveyOptions& options, bool counts,
                            ValueRange* range) {
  Survey survey;
  survey.row_sum.assign(rows->rows(), 0.0);
  survey.linear = survey.raw = GeneMoments(rows->cols());
  *range = ValueRange();
  const absl::Status done =
      rows->ForEachBlock([&](int64_t first, const CsrMatrix& block) -> absl::Status {
        UNLASTING_RETURN_IF_ERROR(range->Add(block));
        if (counts && !range->integers) return absl::CancelledError("fractions");
        for (int64_t r = 0; r < block.rows; ++r) {
          const int64_t cell = first + r;
          const auto values = block.RowValues(r);
          double sum = 0;
          for (const float value : values) sum += value;
          survey.row_sum[cell] = sum;
          if (!Trains(options.training, cell)) continue;
          ++survey.linear.cells;
          ++survey.raw.cells;
          const double size = options.library_size.empty() ? sum : options.library_size[cell];
          AddRow(block.RowIndices(r), values, size > 0 ? 1 / size : 0.0, !counts, &survey);
        }
        return absl::OkStatus();
      });
  if (!done.ok() && !absl::IsCancelled(done)) return done;
  return survey;
}

}  // namespace

absl::StatusOr<Survey> SurveyRows(RowSource* rows, const SurveyOptions& options) {
  const bool counts = options.matrix == "counts" || (options.matrix == "auto" && !options.logged);
  ValueRange range;
  UNLASTING_ASSIGN_OR_RETURN(auto survey, Pass(rows, options, counts, &range));
  UNLASTING_ASSIGN_OR_RETURN(const auto kind,
                             DecideMatrixKind(range, options.matrix, options.logged));
  if ((kind == MatrixKind::kCounts) != counts) {
    UNLASTING_ASSIGN_OR_RETURN(survey, Pass(rows, options, !counts, &range));
    // The first pass may have ended before the largest value.
    UNLASTING_RETURN_IF_ERROR(DecideMatrixKind(range, options.matrix, options.logged).status());
  }
  survey.kind = kind;
  return survey;
}

absl::StatusOr<GeneMoments> ClippedMoments(RowSource* rows, const std::vector<bool>& training,
                                           const std::vector<double>& clip) {
  GeneMoments moments(rows->cols());
  UNLASTING_RETURN_IF_ERROR(rows->ForEachBlock([&](int64_t first, const CsrMatrix& block) {
    for (int64_t r = 0; r < block.rows; ++r) {
      if (!Trains(training, first + r)) continue;
      ++moments.cells;
      const auto genes = block.RowIndices(r);
      const auto values = block.RowValues(r);
      for (size_t k = 0; k < genes.size(); ++k) {
        const double value = std::min<double>(values[k], clip[genes[k]]);
        moments.sum[genes[k]] += value;
        moments.squares[genes[k]] += value * value;
      }
    }
    return absl::OkStatus();
  }));
  return moments;
}

}  // namespace unlasting::cells
