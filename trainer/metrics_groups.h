// The groups that `unlasting-train metrics` scores, with what simple baselines predict for them.
#pragma once

#include <ostream>
#include <vector>

#include "absl/status/statusor.h"
#include "core/evaluate/scorecard.h"
#include "trainer/metrics_files.h"

namespace unlasting::trainer {

// A group for each predicted condition and cell type that has true and control cells; others are
// named on `err`. With training cells, the baselines that those give: see ShiftBaselines.
// INVALID_ARGUMENT where no group is left.
absl::StatusOr<std::vector<evaluate::Group>> MakeMetricsGroups(const MetricsOptions& options,
                                                               const MetricsFiles& files,
                                                               std::ostream& err);

}  // namespace unlasting::trainer
