// SurveyRows gathers, in one pass over the cells, what preprocessing needs before it selects genes:
// the kind of the values, library sizes and moments.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/cells/dataset.h"
#include "core/cells/log_scale.h"
#include "core/cells/row_source.h"
#include "core/cells/variable_genes.h"

namespace unlasting::cells {

struct Survey {
  MatrixKind kind = MatrixKind::kCounts;
  // Of logarithms: their scale. Moments are those of natural logarithms.
  LogScale scale;
  std::vector<double> row_sum;  // per cell, of the values as they are
  ValueRange range;
  // Of the training cells. Counts: of count / library size, to be scaled by a target sum and its
  // square; log1p: of expm1(value).
  GeneMoments linear;
  // Of the training cells' values, counts or natural logarithms.
  GeneMoments raw;
};

struct SurveyOptions {
  std::string matrix = "auto";  // as LoadOptions
  LogMark mark;                 // what the file says of the values
  bool predictions = false;     // as LoadOptions
  // The kind is known, as of data in memory, and is not asked for again.
  std::optional<MatrixKind> known;
  std::vector<bool> training;        // per cell; empty: all
  std::vector<double> library_size;  // per cell; empty: the row's own sum
};

// Makes one pass, and a second where a file that began with whole numbers turns out to hold
// fractions, or logarithms turn out to have another base than the file says.
absl::StatusOr<Survey> SurveyRows(RowSource* rows, const SurveyOptions& options);

// Moments of min(value, clip of its gene) over the training cells.
absl::StatusOr<GeneMoments> ClippedMoments(RowSource* rows, const std::vector<bool>& training,
                                           const std::vector<double>& clip);

}  // namespace unlasting::cells
