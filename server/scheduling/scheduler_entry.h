// A job in a scheduler; what scheduler.cc and scheduler_step.cc share and nobody else sees.
#pragma once

#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "core/predict/job/job.h"
#include "server/scheduling/deadline_policy.h"
#include "server/scheduling/queue_quota.h"
#include "server/scheduling/scheduler.h"

namespace unlasting::server {

struct Scheduler::Entry {
  uint64_t id = 0;
  predict::PredictionTask task;
  std::shared_ptr<JobListener> listener;
  std::unique_ptr<predict::Job> job;  // made on the executor's thread
  Client* client = nullptr;
  absl::Time arrival;
  absl::Time first_step = absl::InfiniteFuture();
  absl::Time waits_since;                          // for rows
  absl::Time full_since = absl::InfiniteFuture();  // the listener has not been Ready
  absl::Duration compute;
  uint64_t last_turn = 0;
  Amount held;  // in the quota
  int perturbations_done = 0;
  std::vector<predict::Row*> rows;  // in the current step

  int64_t cells() const { return task.cells(); }
};

// Latents may be known already, so that only the way back is sure to be work.
inline WorkEstimate EstimateOf(const predict::PredictionTask& task) {
  const int64_t steps = task.options.solver_steps;
  return {task.predictions() * steps, steps};
}

}  // namespace unlasting::server
