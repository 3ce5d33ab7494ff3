// WarmUp makes the first steps of a model before callers see it, so that libraries choose their
// kernels, caches fill, and the scheduler learns how long a step takes.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/predict/engine/engine.h"
#include "server/base/clock.h"

namespace unlasting::server {

// The numbers of rows that stand for all sizes of a step: 1, 2, 4 ... and `max_batch`.
std::vector<int64_t> StepBuckets(int64_t max_batch);

struct MeasuredStep {
  int64_t rows = 0;
  absl::Duration duration;
};

// Runs steps of every size in both directions, and the mask model, and returns the shortest time of
// each size by `clock`. Returns the engine's error where a step fails, and DATA_LOSS where
// predicted values are not finite: such a model must not be put in service.
absl::StatusOr<std::vector<MeasuredStep>> WarmUp(predict::Engine* engine, const Clock& clock);

}  // namespace unlasting::server
