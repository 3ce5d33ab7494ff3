// A ScheduledJob is what a scheduler keeps of one job, and a ScheduledClient what it keeps of a
// client that has jobs. Only the scheduler uses them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/predict/job/job.h"
#include "server/base/queue_quota.h"
#include "server/scheduling/deadline_policy.h"
#include "server/scheduling/job_listener.h"

namespace unlasting::server {

struct ScheduledClient {
  uint64_t id = 0;
  uint64_t last_turn = 0;
  int64_t jobs = 0;
};

// How many jobs of one client and priority are active, and how many of those have a reader that is
// behind.
struct JobShare {
  int64_t active = 0;
  int64_t unread = 0;
};

struct ScheduledJob {
  uint64_t id = 0;
  predict::PredictionTask task;
  std::shared_ptr<JobListener> listener;
  std::unique_ptr<predict::Job> job;  // created on the executor's thread, when it joins
  ScheduledClient* client = nullptr;
  JobShare* share = nullptr;
  absl::Time arrival;
  absl::Time first_step = absl::InfiniteFuture();
  absl::Time waits_since;                            // for rows
  absl::Time unread_since = absl::InfiniteFuture();  // since when the listener has not been Ready
  absl::Duration compute;
  uint64_t last_turn = 0;
  Amount held;  // of the quota
  int perturbations_done = 0;
  std::vector<predict::Row*> rows;  // in the current step

  int64_t cells() const { return task.cells(); }
};

// Counts the way from the latents to the predicted cells alone: the latents may be cached already.
inline WorkEstimate EstimateOf(const predict::PredictionTask& task) {
  const int64_t steps = task.options.solver_steps;
  return {task.predictions() * steps, steps};
}

// How a job ends whose deadline passed after it was submitted.
absl::Status DeadlinePassed();

}  // namespace unlasting::server
