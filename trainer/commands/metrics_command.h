// RunMetrics is `unlasting-train metrics` without its flags: it scores predicted cells, from any
// tool, against true cells.
#pragma once

#include <ostream>

#include "absl/status/status.h"
#include "trainer/scoring/metrics_options.h"

namespace unlasting::trainer {

// Writes scores to `out` and remarks (genes and groups left out, what was normalised) to `err`, one
// per line. Errors name the file and what was found and expected.
absl::Status RunMetrics(const MetricsOptions& options, std::ostream& out, std::ostream& err);

}  // namespace unlasting::trainer
