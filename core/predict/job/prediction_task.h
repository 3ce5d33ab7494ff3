// PredictionTask describes the work of one caller for the engine of one bundle: what is resolved of
// a request, who asks, and how soon. The request room makes it, a scheduler queues it by client,
// priority and deadline, and a Job does it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "core/predict/job/job_priority.h"
#include "core/predict/query/controls.h"
#include "core/predict/query/query.h"

namespace unlasting::predict {

// A plain value; copies share what they point to, which is immutable.
struct PredictionTask {
  // Neither is empty where a job begins.
  std::shared_ptr<const ControlSet> controls;
  std::vector<std::shared_ptr<const Perturbation>> perturbations;
  PredictOptions options;

  // Of a task that waits with others; a job by itself does not look at them.
  std::string client;  // whose share of the queue and of the steps the task takes
  JobPriority priority = JobPriority::kInteractive;
  absl::Time deadline = absl::InfiniteFuture();  // by the scheduler's clock

  int64_t cells() const { return controls->values.rows; }
  // Predicted cells: each control cell under each perturbation.
  int64_t predictions() const { return cells() * static_cast<int64_t>(perturbations.size()); }
};

}  // namespace unlasting::predict
