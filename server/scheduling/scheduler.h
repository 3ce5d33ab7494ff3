// A Scheduler runs the jobs of all callers on one engine by continuous batching: every step of the
// engine advances rows of whichever jobs are present, and jobs join and leave between steps.
//
// This is mechanism only: batching_policy.h decides who gets rows, executor.h when a step is run.
// One thread, the executor's, calls RunStep; all other members may be called from any thread.
//
//   Scheduler scheduler(std::move(engine), options, Clock::Steady(), &observer);
//   auto id = scheduler.Submit(std::move(task), listener);  // from any thread
//   while (scheduler.RunStep()) {}                          // on the executor's thread
//
// States of a job: waiting (submitted, and no step has advanced it yet) -> running -> complete,
// failed, cancelled or expired. Of one client as many jobs as fill two steps are looked at between
// steps; its others wait in the order of their arrival, so that thousands of them slow nobody. It
// leaves at the step boundary after the event, and then OnEnd of its listener is called, once and
// last.
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
#include "server/base/queue_quota.h"
#include "server/scheduling/batching_policy.h"
#include "server/scheduling/deadline_policy.h"
#include "server/scheduling/job_listener.h"
#include "server/scheduling/scheduled_job.h"
#include "server/scheduling/step_observer.h"

namespace unlasting::server {

struct SchedulerOptions {
  int64_t max_batch = 64;  // rows of one step
  // Bounds on work that is admitted and not yet done. A row is a cell under a perturbation, or a
  // cell on its way to its latent; bytes are those of JobBytes.
  QuotaLimits queue;
  absl::Duration bulk_patience = absl::Seconds(1);  // PolicyOptions.bulk_patience
  // How long a listener may be unready before its job is ended as ABORTED.
  absl::Duration reader_patience = absl::Minutes(5);
  // Whether a job whose deadline cannot be met is refused when it is submitted.
  bool refuse_late = true;
  // Batches by request instead: jobs join only when no other job is running, as many as fill a
  // step, and are served first come, first served. This is what continuous batching is measured
  // against.
  bool request_level = false;
};

// Estimates the memory that a job needs, in bytes: its cells as received, in model units and as
// latents, the rows of the perturbations being predicted, and the others, each with its features.
// Where thresholds come from the bundle's panel, its cells count as the task's own, and so does a
// threshold for every gene, perturbation and cell type.
int64_t JobBytes(const predict::PredictionTask& task, const bundle::Bundle& bundle);

class Scheduler {
 public:
  // Owns the engine. `observer` may be null; `clock` and `observer` outlive the scheduler.
  Scheduler(std::unique_ptr<predict::Engine> engine, const SchedulerOptions& options,
            const Clock* clock, StepObserver* observer);
  // Jobs that are still present end as UNAVAILABLE.
  ~Scheduler();

  // Returns the id of the job. Errors: those of QueueQuota where the queue is full;
  // DEADLINE_EXCEEDED with reason DEADLINE_EXCEEDED where the deadline has passed, or with reason
  // DEADLINE_CANNOT_BE_MET where it will pass before the work can be done; UNAVAILABLE with reason
  // SHUTTING_DOWN after Stop. After an error the listener is never called.
  absl::StatusOr<uint64_t> Submit(predict::PredictionTask task,
                                  std::shared_ptr<JobListener> listener);
  // Makes the job leave at the next step boundary as CANCELLED. Unknown ids are ignored.
  void Cancel(uint64_t id);
  // Has RunStep look at the listeners: one is Ready again, or one may have been unready too long.
  void Wake();
  // Tells the scheduler of a step that was measured elsewhere, e.g. while the model warmed up. Call
  // before the first job.
  void LearnStepTime(int64_t rows, absl::Duration duration);
  // Ends all jobs as UNAVAILABLE at the next RunStep and admits no more.
  void Stop();

  // Makes one pass: admits and removes jobs, runs at most one step, delivers results. Returns
  // whether another pass could do something at once.
  bool RunStep();
  // Ends all jobs that RunStep has taken in with `status`, after RunStep threw. On its thread.
  void FailAll(const absl::Status& status) { EndAll(status); }
  // Blocks until RunStep has something to do. Returns false after Stop, when no job is left.
  bool WaitForWork();

  const predict::Engine& engine() const { return *engine_; }
  // Rows admitted and not yet predicted.
  int64_t queued_rows() const;

 private:
  // A client's jobs of one priority: its bulk work must not hold its interactive work up.
  using WaitingKey = std::pair<std::string, JobPriority>;

  absl::Status CheckDeadline(const predict::PredictionTask& task, absl::Time now) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void AdmitArrivals();
  // Moves jobs from waiting_ to active_ as far as each client's share allows.
  void AdmitWaiting();
  void Admit(std::unique_ptr<ScheduledJob> entry);
  bool HasShare(const WaitingKey& key) const;
  // Ends a job that has not been admitted.
  void EndWaiting(std::unique_ptr<ScheduledJob> entry, const absl::Status& status);
  // Those of waiting_ whose time is over, looked at every now and then.
  void RemoveExpiredWaiting(absl::Time now);
  // Removes from arrivals_ the jobs that may join now, and returns them, earliest first.
  std::vector<std::unique_ptr<ScheduledJob>> TakeArrivals() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void RemoveCancelled();
  void RemoveExpired();
  void RemoveUnread();
  // The policy's options at present, and the time that a row takes in a full step.
  std::pair<PolicyOptions, absl::Duration> Policy() const;
  // The jobs that could use rows of the next step.
  std::vector<JobSnapshot> RunnableJobs(absl::Duration per_row);
  // Runs a step where any job has rows for it, and brings in what the step before left on its way.
  // Returns its number of rows, 0 where there was none.
  int64_t StepOnce();
  // Gives rows in on_their_way_ back to their jobs once the engine has collected them.
  void BringIn();
  void GiveBack(ScheduledJob* entry, const std::vector<predict::Row*>& rows);
  void DeliverComplete();
  // Removes the job, if it is still there, and tells its listener.
  void End(uint64_t id, const absl::Status& status);
  void EndAll(const absl::Status& status);
  void ReportLoad(int64_t step_rows);
  bool AnythingToDo() const;

  const std::unique_ptr<predict::Engine> engine_;
  const SchedulerOptions options_;
  const Clock* const clock_;
  StepObserver* const observer_;

  // Used by the executor's thread only.
  predict::InFlightTrajectories in_flight_;
  std::map<uint64_t, std::unique_ptr<ScheduledJob>> active_;  // by job id
  // Finished rows of an engine that overlaps, by job: they are collected while the next step is
  // under way.
  std::map<uint64_t, std::vector<predict::Row*>> on_their_way_;
  std::map<std::string, ScheduledClient> clients_;
  std::map<WaitingKey, JobShare> shares_;  // of those that have active jobs
  // Jobs that wait until fewer of their client's are active, by id, which is the order of arrival.
  std::map<WaitingKey, std::map<uint64_t, std::unique_ptr<ScheduledJob>>> waiting_;
  int64_t waiting_evaluations_ = 0;
  absl::Time waiting_checked_ = absl::InfinitePast();
  uint64_t next_client_ = 1;
  uint64_t turn_ = 0;  // number of allocations so far

  mutable Mutex mutex_;
  CondVar changed_;  // signalled for WaitForWork
  std::vector<std::unique_ptr<ScheduledJob>> arrivals_ ABSL_GUARDED_BY(mutex_);
  std::vector<uint64_t> cancelled_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_id_ ABSL_GUARDED_BY(mutex_) = 1;
  QueueQuota quota_ ABSL_GUARDED_BY(mutex_);
  StepTimes step_times_ ABSL_GUARDED_BY(mutex_);
  // The work that was active at the latest step, and what has arrived since.
  Backlog backlog_ ABSL_GUARDED_BY(mutex_);
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace unlasting::server
