// Continuous batching: every step of one engine advances rows of whichever jobs are there. Jobs
// join and leave between steps.
//
// Mechanism only: who gets rows is batching_policy.h, when it runs is executor.h. One thread, the
// executor's, calls RunStep; all other members may be called from any thread.
//
//   Scheduler scheduler(std::move(engine), options, Clock::Steady(), &observer);
//   auto id = scheduler.Submit(std::move(job), listener);   // from any thread
//   while (scheduler.RunStep()) {}                          // on the executor's thread
//
// A job is: waiting (submitted, no row stepped yet) -> running -> complete, failed, cancelled or
// expired. It leaves at the step boundary after the event; then its listener's OnEnd is called,
// once and last.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/predict/job.h"
#include "server/batching_policy.h"
#include "server/clock.h"
#include "server/mutex.h"

namespace unlasting::server {

struct JobTimings {
  absl::Duration queue;    // from submission to the first step with a row of the job
  absl::Duration compute;  // steps that the job took part in, and its mask evaluations
  absl::Duration total;    // from submission to the end
  int64_t evaluations = 0;
};

struct JobProgress {
  int64_t evaluations_done = 0;
  int64_t evaluations_total = 0;
  int perturbations_done = 0;
};

// Called on the executor's thread; must return quickly, and may call Cancel but not Submit.
class JobListener {
 public:
  virtual ~JobListener() = default;
  // False while the reader has too much unread: the job then gets no rows, and others theirs.
  // Whoever makes it true again calls Scheduler::Wake.
  virtual bool Ready() = 0;
  virtual void OnProfiles(predict::Profiles profiles) = 0;
  virtual void OnProgress(const JobProgress& progress) = 0;
  virtual void OnEnd(const absl::Status& status, const JobTimings& timings) = 0;
};

struct JobRequest {
  std::shared_ptr<const predict::ControlSet> controls;
  std::vector<std::shared_ptr<const predict::Perturbation>> perturbations;
  predict::PredictOptions options;
  JobPriority priority = JobPriority::kInteractive;
  absl::Time deadline = absl::InfiniteFuture();  // by the scheduler's clock
};

// Sees every step; for metrics. Called on the executor's thread.
class StepObserver {
 public:
  virtual ~StepObserver() = default;
  virtual void OnStep(int64_t rows, absl::Duration duration) = 0;
  virtual void OnLoad(int64_t queued_rows, int64_t jobs) = 0;
};

struct SchedulerOptions {
  int64_t max_batch = 64;  // rows of one step
  // Rows admitted and not yet predicted, over all jobs. A row is a cell under a perturbation, or a
  // cell on its way to the latent.
  int64_t max_queued_rows = 8000000;
  absl::Duration retry_delay = absl::Seconds(1);  // told to callers that find the queue full
};

class Scheduler {
 public:
  // `observer` may be null; `clock` and `observer` outlive the scheduler.
  Scheduler(std::unique_ptr<predict::Engine> engine, const SchedulerOptions& options,
            const Clock* clock, StepObserver* observer);
  // Jobs that are left end as UNAVAILABLE.
  ~Scheduler();

  // The job's id. RESOURCE_EXHAUSTED with reason QUEUE_FULL and RetryInfo where the queue has no
  // room, with reason TOO_MANY_ROWS and without RetryInfo where an empty queue would not have it,
  // DEADLINE_EXCEEDED where the deadline is past, UNAVAILABLE with reason SHUTTING_DOWN after Stop.
  // On an error the listener is not called.
  absl::StatusOr<uint64_t> Submit(JobRequest request, std::shared_ptr<JobListener> listener);
  // The job leaves at the next step boundary as CANCELLED. Unknown ids are ignored.
  void Cancel(uint64_t id);
  // Some listener is Ready again.
  void Wake();
  // Ends all jobs as UNAVAILABLE at the next RunStep and admits no more.
  void Stop();

  // One pass: admits and removes jobs, runs at most one step, delivers results. Returns whether
  // another pass could do something at once.
  bool RunStep();
  // Blocks until RunStep has something to do. False after Stop, when no job is left.
  bool WaitForWork();

  const predict::Engine& engine() const { return *engine_; }
  int64_t queued_rows() const;

 private:
  struct Entry;

  void AdmitArrivals();
  void RemoveCancelledAndExpired();
  void StepOnce();
  void DeliverComplete();
  void End(uint64_t id, const absl::Status& status);
  void EndAll(const absl::Status& status);
  bool AnythingToDo() const;

  const std::unique_ptr<predict::Engine> engine_;
  const SchedulerOptions options_;
  const Clock* const clock_;
  StepObserver* const observer_;

  // Touched by the executor's thread only.
  std::map<uint64_t, std::unique_ptr<Entry>> active_;
  uint64_t turn_ = 0;  // allocations so far

  mutable Mutex mutex_;
  CondVar changed_;  // something for WaitForWork to see
  std::vector<std::unique_ptr<Entry>> arrivals_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint64_t> cancelled_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  int64_t queued_rows_ ABSL_GUARDED_BY(mutex_) = 0;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace unlasting::server
