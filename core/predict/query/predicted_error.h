// PredictedErrors says how far the answer to a query is expected to be from the truth, by the
// bundle's error model (core/bundle/error_model.h). Stateless; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "core/base/matrix.h"
#include "core/bundle/bundle.h"
#include "core/predict/query/perturbation.h"

namespace unlasting::predict {

// One perturbation in one cell type.
struct PredictedError {
  int32_t cell_type = 0;  // index into Manifest::cell_types
  std::string kind;       // what is asked, e.g. "new gene, seen context"
  // Absent where training could leave nothing of the kind out.
  std::optional<bundle::ErrorEstimate> estimate;
};

// What the error model is asked of a perturbation in a cell type whose mean profile changes by
// `change`, in Euclidean length over the model's genes, log1p. The bundle has an error model. A
// type that it does not know, at or above the number of its types, is a new context, of which
// `control_mean` [N], log1p, is the mean of the control cells; empty for types that it knows.
bundle::ErrorQuery ErrorQueryOf(const bundle::Bundle& bundle, const Perturbation& perturbation,
                                int32_t cell_type, double change,
                                absl::Span<const double> control_mean = {});

// One for each type of `cell_types`, in that order; none where the bundle has no error model.
// `predicted` and `controls` are [cells, N], log1p, row by row the same cells; `cell_type` has one
// of the types per row.
std::vector<PredictedError> PredictedErrors(const bundle::Bundle& bundle,
                                            const Perturbation& perturbation,
                                            absl::Span<const int32_t> cell_types,
                                            const DenseMatrix& predicted, const CsrMatrix& controls,
                                            absl::Span<const int32_t> cell_type);

}  // namespace unlasting::predict
