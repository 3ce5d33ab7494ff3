// Predicts held-out groups with a bundle, through the same engine that serves.
#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "core/evaluate/scorecard.h"
#include "core/predict/engine.h"
#include "trainer/held_out.h"

namespace unlasting::trainer {

struct PredictGroupsOptions {
  predict::PredictOptions predict;
  int64_t max_cells = 1000;  // of each group; 0: all
  std::function<void(int64_t done, int64_t total)> progress;
};

// One evaluate::Group per held-out group, `predicted` and the mean_shift_rank baseline filled in.
// Groups of perturbations that the bundle cannot resolve are an error.
absl::StatusOr<std::vector<evaluate::Group>> PredictGroups(predict::Engine* engine,
                                                           const HeldOut& held_out,
                                                           const PredictGroupsOptions& options);

}  // namespace unlasting::trainer
