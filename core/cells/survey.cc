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
            const LogConversion* natural, Survey* survey) {
  for (size_t k = 0; k < genes.size(); ++k) {
    const double value = natural == nullptr ? values[k] : natural->Convert(values[k]);
    const double linear = natural == nullptr ? value * scale : std::expm1(value);
    survey->linear.sum[genes[k]] += linear;
    survey->linear.squares[genes[k]] += linear * linear;
    survey->raw.sum[genes[k]] += value;
    survey->raw.squares[genes[k]] += value * value;
  }
}

// One pass under the assumption that the values are counts, or logarithms to `base`. Ends early,
// with the range saying why, where counts that nobody declared turn out to have fractions.
absl::StatusOr<Survey> Pass(RowSource* rows, const SurveyOptions& options, bool counts, double base,
                            ScaleSample* sample) {
  Survey survey;
  survey.row_sum.assign(rows->rows(), 0.0);
  survey.linear = survey.raw = GeneMoments(rows->cols());
  survey.range.predictions = options.predictions;
  LogScale scale;
  scale.base = base;
  const LogConversion natural(scale, 0);
  const bool stop = counts && options.matrix != "counts" && !options.known.has_value();
  *sample = ScaleSample(rows->rows());
  const absl::Status done =
      rows->ForEachBlock([&](int64_t first, const CsrMatrix& block) -> absl::Status {
        UNLASTING_RETURN_IF_ERROR(survey.range.Add(block));
        if (stop && !survey.range.integers) return absl::CancelledError("fractions");
        sample->Add(first, block);
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
          AddRow(block.RowIndices(r), values, size > 0 ? 1 / size : 0.0,
                 counts ? nullptr : &natural, &survey);
        }
        return absl::OkStatus();
      });
  if (!done.ok() && !absl::IsCancelled(done)) return done;
  return survey;
}

absl::StatusOr<MatrixKind> KindOf(const SurveyOptions& options, const ScaleSample& sample,
                                  ValueRange range) {
  if (options.known.has_value()) return *options.known;
  range.normalised_counts = sample.NormalisedCounts() && !range.integers;
  range.logged_twice = sample.LoggedTwice() && !range.integers;
  return DecideMatrixKind(range, options.matrix, options.mark.logged);
}

}  // namespace

absl::StatusOr<Survey> SurveyRows(RowSource* rows, const SurveyOptions& options) {
  bool counts = options.matrix == "counts" || (options.matrix == "auto" && !options.mark.logged);
  if (options.known.has_value()) counts = *options.known == MatrixKind::kCounts;
  double base = options.mark.base > 0 ? options.mark.base : LogScale().base;
  ScaleSample sample(rows->rows());
  UNLASTING_ASSIGN_OR_RETURN(auto survey, Pass(rows, options, counts, base, &sample));
  if (counts && !survey.range.integers && options.matrix == "auto") {
    // That pass ended at the first fraction, before all was seen.
    counts = false;
    UNLASTING_ASSIGN_OR_RETURN(survey, Pass(rows, options, counts, base, &sample));
  }
  UNLASTING_ASSIGN_OR_RETURN(survey.kind, KindOf(options, sample, survey.range));
  const bool is_counts = survey.kind == MatrixKind::kCounts;
  if (!is_counts) survey.scale = sample.Decide(options.mark);
  if (is_counts != counts || (!is_counts && survey.scale.base != base)) {
    const MatrixKind kind = survey.kind;
    const LogScale scale = survey.scale;
    if (!is_counts) base = scale.base;
    UNLASTING_ASSIGN_OR_RETURN(survey, Pass(rows, options, is_counts, base, &sample));
    survey.kind = kind;
    survey.scale = scale;
  }
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
