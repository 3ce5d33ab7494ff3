// A Scheduler::Entry is one job inside its scheduler: shared by scheduler.cc and scheduler_step.cc,
// and seen by nobody else.
#pragma once

#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "core/predict/job/job.h"
#include "server/base/queue_quota.h"
#include "server/scheduling/deadline_policy.h"
#include "server/scheduling/scheduler.h"

namespace unlasting::server {

struct Scheduler::Entry {
  uint64_t id = 0;
  JobRequest request;
  std::shared_ptr<JobListener> listener;
  std::unique_ptr<predict::Job> job;  // created on the executor's thread, when it joins
  Client* client = nullptr;
  absl::Time arrival;
  absl::Time first_step = absl::InfiniteFuture();
  absl::Time waits_since;                            // for rows
  absl::Time unread_since = absl::InfiniteFuture();  // since when the listener has not been Ready
  absl::Duration compute;
  uint64_t last_turn = 0;
  Amount held;  // of the quota
  int perturbations_done = 0;
  std::vector<predict::Row*> rows;  // in the current step

  int64_t cells() const { return request.controls->values.rows; }
};

// Counts the way from the latents to the predicted cells alone: the latents may be cached already.
inline WorkEstimate EstimateOf(const JobRequest& request) {
  const int64_t steps = request.options.solver_steps;
  return {
      request.controls->values.rows * static_cast<int64_t>(request.perturbations.size()) * steps,
      steps};
}

}  // namespace unlasting::server
