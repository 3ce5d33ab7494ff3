// control_scale.h brings the log1p values of a caller's control cells to the scale of a bundle, and
// refuses cells that plainly are on another: a prediction from them would be wrong without a word.
// Stateless; any thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/bundle/bundle.h"
#include "core/cells/control_matrix.h"
#include "core/cells/log_scale.h"

namespace unlasting::predict {

struct ControlScale {
  cells::LogConversion conversion;  // of log1p values; changes nothing in counts
  // Log1p values are those of counts that were not normalised, and become counts again.
  bool logged_counts = false;
  // The caller said on which scale the cells are, so that a poor fit is noted and not refused.
  bool said = false;
  std::vector<std::string> notes;  // in words, for the caller
};

// What the caller says of the sum that log1p values were normalised to, else what the sums of the
// columns show. INVALID_ARGUMENT with reason INVALID_VALUE for normalised counts that were not
// logged and for values that were logged twice.
absl::StatusOr<ControlScale> ScaleOfControls(const bundle::Bundle& bundle,
                                             const cells::ControlMatrix& controls);

// Compares the sums of expm1 over the genes that the caller has with those of the bundle's own
// control cells of the same types. `values` [cells, N] are on the bundle's scale, `missing` are the
// genes that were filled in. INVALID_ARGUMENT with reason SCALE_MISMATCH where they differ twofold
// or more, on the mean, and the caller did not say the scale; else a note. Sums that differ by a
// quarter, beyond what the cells' own spread explains, are noted too, and so are genes of which a
// part is on another scale than the rest. OK for bundles that do not record their sums.
absl::Status CheckFit(const bundle::Bundle& bundle, const cells::ControlMatrix& controls,
                      const CsrMatrix& values, const std::vector<int32_t>& cell_types,
                      const std::vector<size_t>& missing, ControlScale* scale);

}  // namespace unlasting::predict
