// PredictGroups predicts held-out groups with a bundle, for evaluate and fit, through the engine
// that the server uses.
#pragma once

#include <atomic>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "core/evaluate/scorer.h"
#include "core/predict/engine/engine.h"
#include "trainer/scoring/held_out.h"

namespace unlasting::trainer {

struct PredictGroupsOptions {
  predict::PredictOptions predict;
  std::function<void(int64_t done, int64_t total)> progress;  // in groups; may be empty
  // Looked at before every step of the prediction; null: never.
  const std::atomic<bool>* interrupted = nullptr;
};

// Calls `visit` with every held-out group, its `predicted` and its mean_shift_rank baseline filled
// in, and returns the first error of `visit`. Only one group's cells are in memory at a time. A
// perturbation that the bundle cannot resolve is an error. CANCELLED once `interrupted` is true.
absl::Status PredictGroups(predict::Engine* engine, const HeldOut& held_out,
                           const PredictGroupsOptions& options,
                           const std::function<absl::Status(const evaluate::Group&)>& visit);

}  // namespace unlasting::trainer
