// The part of Scheduler that any thread may call: submitting jobs, and orders to those present.
#include "server/scheduling/scheduler.h"

#include <map>
#include <unordered_set>
#include <utility>

#include "core/base/status.h"
#include "core/predict/job/mask.h"
#include "server/scheduling/scheduled_job.h"

namespace unlasting::server {

namespace {

// Dense values of a cell that a job holds at once: in model units, its latent, and its rows under
// two perturbations, one being decoded and one being sent.
constexpr int64_t kDenseCopiesOfACell = 4;

// What a job keeps of a perturbation from the beginning to the end, apart from the object itself.
constexpr int64_t kBytesOfATarget = 256;

int64_t RowsOf(const predict::PredictionTask& task) { return task.cells() + task.predictions(); }

}  // namespace

int64_t JobBytes(const predict::PredictionTask& task, const bundle::Bundle& bundle) {
  const CsrMatrix& cells = task.controls->values;
  const auto word = static_cast<int64_t>(sizeof(float));
  int64_t bytes = static_cast<int64_t>(cells.values.size()) * 2 * word;
  // Many perturbations of a task may be one object.
  std::unordered_set<const predict::Perturbation*> distinct;
  for (const auto& perturbation : task.perturbations) {
    if (distinct.insert(perturbation.get()).second) {
      bytes += predict::PerturbationBytes(*perturbation);
    }
  }
  const auto perturbations = static_cast<int64_t>(task.perturbations.size());
  bytes += perturbations * kBytesOfATarget;
  int64_t dense_cells = cells.rows;
  if (task.options.mask == predict::MaskMode::kRank) {
    std::map<int32_t, int64_t> count;
    for (const int32_t type : task.controls->cell_type) ++count[type];
    for (const auto& [type, of_type] : count) {
      if (of_type >= predict::kMinRankedCells) continue;
      dense_cells += static_cast<int64_t>(bundle.reference().PanelRows(type).size());
      bytes += perturbations * cells.cols * word;
    }
  }
  return bytes + dense_cells * cells.cols * kDenseCopiesOfACell * word;
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

absl::Status Scheduler::CheckDeadline(const predict::PredictionTask& task, absl::Time now) const {
  if (task.deadline <= now) {
    return WithReason(
        absl::DeadlineExceededError("the deadline passed before the prediction began"),
        "DEADLINE_EXCEEDED");
  }
  if (!options_.refuse_late || task.deadline == absl::InfiniteFuture()) return absl::OkStatus();
  const absl::Duration shortest =
      ShortestCompletion(EstimateOf(task), backlog_, options_.max_batch, step_times_);
  const absl::Duration left = task.deadline - now;
  if (shortest <= left) return absl::OkStatus();
  return WithReason(absl::DeadlineExceededError(absl::StrCat(
                        "the prediction takes at least ", absl::FormatDuration(shortest),
                        ", the deadline leaves ", absl::FormatDuration(left),
                        ": allow more time or send fewer cells per call")),
                    "DEADLINE_CANNOT_BE_MET");
}

absl::StatusOr<uint64_t> Scheduler::Submit(predict::PredictionTask task,
                                           std::shared_ptr<JobListener> listener) {
  auto entry = std::make_unique<ScheduledJob>();
  entry->held = {RowsOf(task), JobBytes(task, engine_->bundle())};
  entry->listener = std::move(listener);
  entry->arrival = clock_->Now();
  entry->waits_since = entry->arrival;
  MutexLock lock(&mutex_);
  if (stopped_) {
    return WithReason(absl::UnavailableError("the model is shutting down"), "SHUTTING_DOWN");
  }
  UNLASTING_RETURN_IF_ERROR(CheckDeadline(task, entry->arrival));
  UNLASTING_RETURN_IF_ERROR(quota_.Take(task.client, entry->held));
  backlog_.evaluations += EstimateOf(task).evaluations;
  entry->task = std::move(task);
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
  return !(stopped_ && arrivals_.empty() && active_.empty() && waiting_.empty());
}

}  // namespace unlasting::server
