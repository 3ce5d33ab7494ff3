// Continuous batching: every step of one engine advances rows of whichever jobs are there. Jobs
// join and leave between steps.
//
// Mechanism only: who gets rows is batching_policy.h, when it runs is executor.h. One thread, the
// executor's, calls RunStep; all other members may be called from any thread.
//
//   Scheduler scheduler(std::move(engine), options, Clock::Steady(), &observer);
//   auto id = scheduler.Submit(std::move(task), listener);  // from any thread
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
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "core/predict/job/job.h"
#include "server/base/clock.h"
#include "server/base/mutex.h"
#include "server/scheduling/batching_policy.h"
#include "server/scheduling/deadline_policy.h"
#include "server/scheduling/queue_quota.h"

namespace unlasting::server {

struct JobTimings {
  absl::Duration queue;    // from submission to the first step with a row of the job
  absl::Duration compute;  // steps that the job took part in, and its mask evaluations
  absl::Duration total;    // from submission to the end
  int64_t evaluations = 0;
  bool started = false;  // a row was stepped
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

struct SchedulerLoad {
  int64_t step_rows = 0;  // of the latest step; 0 where none was made
  int64_t jobs = 0;
  int64_t queued_rows = 0;
  int64_t queued_bytes = 0;
  // Of the engine since its start; zeros where it keeps none.
  predict::ContentCache::Statistics latents;
  predict::ContentCache::Statistics thresholds;
};

// Sees every step; for metrics. Called on the executor's thread.
class StepObserver {
 public:
  virtual ~StepObserver() = default;
  virtual void OnStep(int64_t rows, absl::Duration duration) = 0;
  virtual void OnLoad(const SchedulerLoad& load) = 0;
};

struct SchedulerOptions {
  int64_t max_batch = 64;  // rows of one step
  // Of work admitted and not yet done. A row is a cell under a perturbation, or a cell on its way
  // to the latent; bytes are JobBytes.
  AdmissionLimits admission;
  absl::Duration bulk_patience = absl::Seconds(1);  // PolicyOptions
  // How long a listener may not be Ready while it has work, before its job is ended.
  absl::Duration reader_patience = absl::Minutes(5);
  // Whether jobs whose deadline cannot be met are refused.
  bool refuse_late = true;
  // Jobs join only when no job is at work, as many as fill a step, and are served as they came: the
  // way of batching that this scheduler is measured against.
  bool request_level = false;
};

// About what a job needs in memory: its cells as they came, in model units and as latents, the rows
// of the perturbations in work, and the order of the rest.
int64_t JobBytes(const predict::PredictionTask& task);

class Scheduler {
 public:
  // `observer` may be null; `clock` and `observer` outlive the scheduler.
  Scheduler(std::unique_ptr<predict::Engine> engine, const SchedulerOptions& options,
            const Clock* clock, StepObserver* observer);
  // Jobs that are left end as UNAVAILABLE.
  ~Scheduler();

  // The job's id. QueueQuota's errors where the queue has no room, DEADLINE_EXCEEDED with
  // reason DEADLINE_EXCEEDED where the deadline is past or DEADLINE_CANNOT_BE_MET where it will be
  // before the work can be done, UNAVAILABLE with reason SHUTTING_DOWN after Stop. On an error the
  // listener is not called.
  absl::StatusOr<uint64_t> Submit(predict::PredictionTask task,
                                  std::shared_ptr<JobListener> listener);
  // The job leaves at the next step boundary as CANCELLED. Unknown ids are ignored.
  void Cancel(uint64_t id);
  // Some listener is Ready again, or it is time to look for those that are not.
  void Wake();
  // A step of the engine that was measured elsewhere, e.g. while warming up. Before the first job.
  void LearnStepTime(int64_t rows, absl::Duration duration);
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
  // A client with jobs in active_.
  struct Client {
    uint64_t id = 0;
    uint64_t last_turn = 0;
    int64_t jobs = 0;
  };

  absl::Status CheckDeadline(const predict::PredictionTask& task, absl::Time now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AdmitArrivals();
  // Those that may join now, earliest first.
  std::vector<std::unique_ptr<Entry>> TakeArrivals() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RemoveCancelledAndExpired();
  // What the policy goes by now, and how long a row takes.
  std::pair<PolicyOptions, absl::Duration> Policy() const;
  // The rows of the step; 0 where there was none.
  int64_t StepOnce();
  void DeliverComplete();
  void End(uint64_t id, const absl::Status& status);
  void EndAll(const absl::Status& status);
  void ReportLoad(int64_t step_rows);
  bool AnythingToDo() const;

  const std::unique_ptr<predict::Engine> engine_;
  predict::InFlightTrajectories in_flight_;  // on the thread that steps the engine
  const SchedulerOptions options_;
  const Clock* const clock_;
  StepObserver* const observer_;

  // Touched by the executor's thread only.
  std::map<uint64_t, std::unique_ptr<Entry>> active_;
  std::map<std::string, Client> clients_;
  uint64_t next_client_ = 1;
  uint64_t turn_ = 0;  // allocations so far

  mutable Mutex mutex_;
  CondVar changed_;  // something for WaitForWork to see
  std::vector<std::unique_ptr<Entry>> arrivals_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint64_t> cancelled_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  QueueQuota quota_ ABSL_GUARDED_BY(mutex_);
  StepTimes step_times_ ABSL_GUARDED_BY(mutex_);
  // What is active as of the latest step, and what arrived since.
  Backlog backlog_ ABSL_GUARDED_BY(mutex_);
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace unlasting::server
