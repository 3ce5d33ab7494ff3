// A JobListener receives the results of one job from the scheduler that runs it.
//
// States of a job as its listener sees them: OnProgress and OnProfiles any number of times, then
// OnEnd once and last.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "core/predict/job/job.h"

namespace unlasting::server {

struct JobTimings {
  absl::Duration queue;    // from submission to the first step with a row of the job
  absl::Duration compute;  // steps that the job took part in, and its mask evaluations
  absl::Duration total;    // from submission to the end
  int64_t evaluations = 0;
  bool started = false;  // a step has advanced a row of the job
};

struct JobProgress {
  int64_t evaluations_done = 0;
  int64_t evaluations_total = 0;
  int perturbations_done = 0;
};

// Called on the executor's thread, one call at a time. Every member must return quickly, and may
// call Scheduler::Cancel but not Scheduler::Submit.
class JobListener {
 public:
  virtual ~JobListener() = default;
  // False while the reader has too much unread: the job then gets no rows, and other jobs get them.
  // Whoever makes it true again calls Scheduler::Wake.
  virtual bool Ready() = 0;
  // All predicted cells of one perturbation.
  virtual void OnProfiles(predict::Profiles profiles) = 0;
  virtual void OnProgress(const JobProgress& progress) = 0;
  virtual void OnEnd(const absl::Status& status, const JobTimings& timings) = 0;
};

}  // namespace unlasting::server
