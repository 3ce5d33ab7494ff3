// The part of Scheduler that any thread may call: submitting jobs, and orders to those present.
#include "server/scheduling/scheduler.h"

#include <utility>

#include "core/base/status.h"
#include "server/scheduling/scheduled_job.h"

namespace unlasting::server {

namespace {

// Copies of a cell's values that a job holds at once: as received, in model units, as a latent, and
// as rows of two perturbations, of which one is being predicted and one is being sent.
constexpr int64_t kCopiesPerCell = 5;

int64_t RowsOf(const JobRequest& request) {
  return request.controls->values.rows * (static_cast<int64_t>(request.perturbations.size()) + 1);
}

}  // namespace

int64_t JobBytes(const JobRequest& request) {
  const auto perturbations = static_cast<int64_t>(request.perturbations.size());
  const DenseMatrix& cells = request.controls->values;
  return cells.rows * (cells.cols * kCopiesPerCell * static_cast<int64_t>(sizeof(float)) +
                       perturbations * static_cast<int64_t>(sizeof(int32_t)));
}

Scheduler::Scheduler(std::unique_ptr<predict::Engine> engine, const SchedulerOptions& options,
                     const Clock* clock, StepObserver* observer)
    : engine_(std::move(engine)),
      options_(options),
      clock_(clock),
      observer_(observer),
      quota_(options.queue) {}

Scheduler::~Scheduler() {
  Stop();
  RunStep();
}

absl::Status Scheduler::CheckDeadline(const JobRequest& request, absl::Time now) const {
  if (request.deadline <= now) {
    return WithReason(
        absl::DeadlineExceededError("the deadline passed before the prediction began"),
        "DEADLINE_EXCEEDED");
  }
  if (!options_.refuse_late || request.deadline == absl::InfiniteFuture()) return absl::OkStatus();
  const absl::Duration shortest =
      ShortestCompletion(EstimateOf(request), backlog_, options_.max_batch, step_times_);
  const absl::Duration left = request.deadline - now;
  if (shortest <= left) return absl::OkStatus();
  return WithReason(absl::DeadlineExceededError(absl::StrCat(
                        "the prediction takes at least ", absl::FormatDuration(shortest),
                        ", the deadline leaves ", absl::FormatDuration(left),
                        ": allow more time or send fewer cells per call")),
                    "DEADLINE_CANNOT_BE_MET");
}

absl::StatusOr<uint64_t> Scheduler::Submit(JobRequest request,
                                           std::shared_ptr<JobListener> listener) {
  auto entry = std::make_unique<ScheduledJob>();
  entry->held = {RowsOf(request), JobBytes(request)};
  entry->listener = std::move(listener);
  entry->arrival = clock_->Now();
  entry->waits_since = entry->arrival;
  MutexLock lock(&mutex_);
  if (stopped_) {
    return WithReason(absl::UnavailableError("the model is shutting down"), "SHUTTING_DOWN");
  }
  UNLASTING_RETURN_IF_ERROR(CheckDeadline(request, entry->arrival));
  UNLASTING_RETURN_IF_ERROR(quota_.Take(request.client, entry->held));
  backlog_.evaluations += EstimateOf(request).evaluations;
  entry->request = std::move(request);
  const uint64_t id = next_id_++;
  entry->id = id;
  arrivals_.push_back(std::move(entry));
  changed_.NotifyOne();
  return id;
}

void Scheduler::LearnStepTime(int64_t rows, absl::Duration duration) {
  MutexLock lock(&mutex_);
  step_times_.Observe(rows, duration);
}

void Scheduler::Cancel(uint64_t id) {
  MutexLock lock(&mutex_);
  cancelled_.push_back(id);
  changed_.NotifyOne();
}

void Scheduler::Wake() {
  MutexLock lock(&mutex_);
  woken_ = true;
  changed_.NotifyOne();
}

void Scheduler::Stop() {
  MutexLock lock(&mutex_);
  stopped_ = true;
  changed_.NotifyOne();
}

int64_t Scheduler::queued_rows() const {
  MutexLock lock(&mutex_);
  return quota_.total().rows;
}

bool Scheduler::WaitForWork() {
  if (AnythingToDo()) return true;
  MutexLock lock(&mutex_);
  while (arrivals_.empty() && cancelled_.empty() && !woken_ && !stopped_) changed_.Wait(&mutex_);
  return !(stopped_ && arrivals_.empty() && active_.empty());
}

}  // namespace unlasting::server
