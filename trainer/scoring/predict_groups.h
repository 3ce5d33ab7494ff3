// Predicts held-out groups with a bundle, through the same engine that serves.
#pragma once

#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "core/evaluate/scorecard.h"
#include "core/predict/engine/engine.h"
#include "trainer/scoring/held_out.h"

namespace unlasting::trainer {

struct PredictGroupsOptions {
  predict::PredictOptions predict;
  std::function<void(int64_t done, int64_t total)> progress;
};

// Hands every held-out group, `predicted` and the mean_shift_rank baseline filled in, to `visit`,
// whose error ends it: the cells of one group are held at a time. Groups of perturbations that the
// bundle cannot resolve are an error.
absl::Status PredictGroups(predict::Engine* engine, const HeldOut& held_out,
                           const PredictGroupsOptions& options,
                           const std::function<absl::Status(const evaluate::Group&)>& visit);

}  // namespace unlasting::trainer
