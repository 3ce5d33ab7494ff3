// A model's first steps, made before callers see it: libraries choose their kernels, caches fill,
// and the scheduler learns how long a step takes.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/predict/engine/engine.h"
#include "server/base/clock.h"

namespace unlasting::server {

// The sizes that stand for all steps: 1, 2, 4 ... and `max_batch`.
std::vector<int64_t> StepBuckets(int64_t max_batch);

struct MeasuredStep {
  int64_t rows = 0;
  absl::Duration duration;
};

// Runs a step of every bucket in both directions, and masks. The engine's error where one fails:
// such a model must not be put in service.
absl::StatusOr<std::vector<MeasuredStep>> WarmUp(predict::Engine* engine, const Clock& clock);

}  // namespace unlasting::server
