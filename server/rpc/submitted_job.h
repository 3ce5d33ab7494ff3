// A SubmittedJob is the job that one call has in the scheduler of a model. Any thread may cancel it
// at any time, before it is submitted too. It keeps the model for the call, knows how far the call
// has come, and counts its end.
//
//   SubmittedJob job(services.metrics, services.write_pool);
//   UNLASTING_RETURN_IF_ERROR(job.Submit(model, valid->task, listener));
//   ...
//   job.Cancel();                                                  // from any thread
//   LogFields fields = job.RecordEnd(&valid->task, status, timings);
//   job.Release();
//
// Phases: kPreparing -> kQueued (Submit) -> kRunning -> kWriting (Reach).
#pragma once

#include <cstdint>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "server/base/logging.h"
#include "server/base/mutex.h"
#include "server/base/work_pool.h"
#include "server/metrics/metrics.h"
#include "server/models/served_model.h"
#include "server/scheduling/job_listener.h"

namespace unlasting::server {

// Any thread, but Submit is called once.
class SubmittedJob {
 public:
  // `metrics` counts the end; the model is let go on `pool`. Both outlive this.
  SubmittedJob(Metrics* metrics, WorkPool* pool);
  SubmittedJob(const SubmittedJob&) = delete;
  SubmittedJob& operator=(const SubmittedJob&) = delete;

  // Submits `task` to the scheduler of `model`. `listener` may be called before this returns. A job
  // that was cancelled before is submitted and ends as CANCELLED. Errors: those of
  // Scheduler::Submit; the call is then still preparing.
  absl::Status Submit(std::shared_ptr<ServedModel> model, const predict::PredictionTask& task,
                      std::shared_ptr<JobListener> listener);
  // Ends the job soon, or once it is submitted. Does nothing where it has ended.
  void Cancel();
  // Has the scheduler look at the listener again, which is ready once more.
  void Wake();
  // Moves on to `phase`, unless the call is past it.
  void Reach(CallPhase phase);

  // Counts a call that ended with `status`, and returns what the access log says of its job.
  // `task` is null where the request was refused. Call before Release.
  LogFields RecordEnd(const predict::PredictionTask* task, const absl::Status& status,
                      const JobTimings& timings) const;
  // Lets the model go, on the pool: it must not be freed on its executor's thread, nor may one of
  // gRPC's threads join that. Cancel and Wake do nothing from here on.
  void Release();

 private:
  Metrics* const metrics_;
  WorkPool* const pool_;

  mutable Mutex mutex_;
  std::shared_ptr<ServedModel> model_ ABSL_GUARDED_BY(mutex_);  // between Submit and Release
  uint64_t job_ ABSL_GUARDED_BY(mutex_) = 0;                    // 0: not in the scheduler yet
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  CallPhase phase_ ABSL_GUARDED_BY(mutex_) = CallPhase::kPreparing;
};

}  // namespace unlasting::server
