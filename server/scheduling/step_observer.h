// A StepObserver watches the steps of one scheduler for server/metrics, of which the scheduler
// knows nothing.
#pragma once

#include <cstdint>

#include "absl/time/time.h"
#include "core/predict/engine/content_cache.h"

namespace unlasting::server {

struct SchedulerLoad {
  int64_t step_rows = 0;  // of the latest step; 0 where there was nothing to do
  int64_t jobs = 0;
  int64_t queued_rows = 0;   // admitted and not yet predicted
  int64_t queued_bytes = 0;  // that admitted jobs may need
  // Caches of the engine since its start; zeros where the engine has none.
  predict::ContentCache::Statistics latents;
  predict::ContentCache::Statistics thresholds;
};

// Called on the executor's thread; must return quickly.
class StepObserver {
 public:
  virtual ~StepObserver() = default;
  // After a step of `rows` rows.
  virtual void OnStep(int64_t rows, absl::Duration duration) = 0;
  // After every pass of the scheduler, with or without a step.
  virtual void OnLoad(const SchedulerLoad& load) = 0;
};

}  // namespace unlasting::server
