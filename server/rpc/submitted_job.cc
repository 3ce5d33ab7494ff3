#include "server/rpc/submitted_job.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

namespace unlasting::server {

SubmittedJob::SubmittedJob(Metrics* metrics, WorkPool* pool) : metrics_(metrics), pool_(pool) {}

absl::Status SubmittedJob::Submit(std::shared_ptr<ServedModel> model,
                                  const predict::PredictionTask& task,
                                  std::shared_ptr<JobListener> listener) {
  {
    // Before the job exists, since it may end before it is known here.
    MutexLock lock(&mutex_);
    model_ = model;
    phase_ = CallPhase::kQueued;
  }
  const absl::StatusOr<uint64_t> id = model->scheduler().Submit(task, std::move(listener));
  MutexLock lock(&mutex_);
  if (!id.ok()) {
    phase_ = CallPhase::kPreparing;
    return id.status();
  }
  job_ = *id;
  if (cancelled_) model->scheduler().Cancel(job_);
  return absl::OkStatus();
}

void SubmittedJob::Cancel() {
  MutexLock lock(&mutex_);
  cancelled_ = true;
  if (model_ != nullptr && job_ != 0) model_->scheduler().Cancel(job_);
}

void SubmittedJob::Wake() {
  MutexLock lock(&mutex_);
  if (model_ != nullptr) model_->scheduler().Wake();
}

void SubmittedJob::Reach(CallPhase phase) {
  MutexLock lock(&mutex_);
  phase_ = std::max(phase_, phase);
}

LogFields SubmittedJob::RecordEnd(const predict::PredictionTask* task, const absl::Status& status,
                                  const JobTimings& timings) const {
  MutexLock lock(&mutex_);
  // A deadline that is refused at admission counts as a refusal, not as a cancellation.
  if (absl::IsCancelled(status) ||
      (absl::IsDeadlineExceeded(status) && phase_ != CallPhase::kPreparing)) {
    metrics_->CountCancelled(phase_);
  }
  if (task == nullptr) return {};
  LogFields fields = {{"cells", absl::StrCat(task->cells())},
                      {"perturbations", absl::StrCat(task->perturbations.size())},
                      {"queue_seconds", absl::StrCat(absl::ToDoubleSeconds(timings.queue))},
                      {"compute_seconds", absl::StrCat(absl::ToDoubleSeconds(timings.compute))}};
  if (model_ == nullptr) return fields;
  fields.emplace_back("model", model_->name());
  fields.emplace_back("version", model_->version());
  if (status.ok()) {
    metrics_->CountPrediction(model_->name(), model_->version(), task->predictions(), timings);
  }
  return fields;
}

void SubmittedJob::Release() {
  std::shared_ptr<ServedModel> model;
  {
    MutexLock lock(&mutex_);
    model = std::move(model_);
  }
  if (model != nullptr) pool_->Schedule([model = std::move(model)] {});
}

}  // namespace unlasting::server
