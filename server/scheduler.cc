#include "server/scheduler.h"

#include <algorithm>
#include <utility>

#include "core/base/status.h"
#include "server/error_details.h"

namespace unlasting::server {

struct Scheduler::Entry {
  uint64_t id = 0;
  JobRequest request;
  std::shared_ptr<JobListener> listener;
  std::unique_ptr<predict::Job> job;  // made on the executor's thread
  absl::Time arrival;
  absl::Time first_step = absl::InfiniteFuture();
  absl::Duration compute;
  uint64_t last_turn = 0;
  int64_t rows_left = 0;
  int perturbations_done = 0;
  // Rows came back since NextComplete last had nothing to say. True at first: a job whose options
  // its model refuses has nothing to run and says so in Finish.
  bool may_be_complete = true;
  std::vector<predict::Row*> rows;  // in the current step

  int64_t cells() const { return request.controls->values.rows; }
};

Scheduler::Scheduler(std::unique_ptr<predict::Engine> engine, const SchedulerOptions& options,
                     const Clock* clock, StepObserver* observer)
    : engine_(std::move(engine)), options_(options), clock_(clock), observer_(observer) {}

Scheduler::~Scheduler() {
  Stop();
  RunStep();
}

absl::StatusOr<uint64_t> Scheduler::Submit(JobRequest request,
                                           std::shared_ptr<JobListener> listener) {
  auto entry = std::make_unique<Entry>();
  entry->rows_left =
      request.controls->values.rows * (static_cast<int64_t>(request.perturbations.size()) + 1);
  entry->request = std::move(request);
  entry->listener = std::move(listener);
  entry->arrival = clock_->Now();
  if (entry->request.deadline <= entry->arrival) {
    return WithReason(absl::DeadlineExceededError("the deadline passed before the work began"),
                      "DEADLINE_EXCEEDED");
  }
  if (entry->rows_left > options_.max_queued_rows) {
    return WithReason(absl::ResourceExhaustedError(
                          absl::StrCat("the request has ", entry->rows_left,
                                       " rows, the queue holds ", options_.max_queued_rows)),
                      "TOO_MANY_ROWS");
  }
  MutexLock lock(&mutex_);
  if (stopped_) {
    return WithReason(absl::UnavailableError("the model is shutting down"), "SHUTTING_DOWN");
  }
  if (queued_rows_ + entry->rows_left > options_.max_queued_rows) {
    return WithRetryDelay(
        WithReason(absl::ResourceExhaustedError(absl::StrCat(
                       "the queue is full: ", queued_rows_, " of ", options_.max_queued_rows,
                       " rows taken, ", entry->rows_left, " asked for")),
                   "QUEUE_FULL"),
        options_.retry_delay);
  }
  queued_rows_ += entry->rows_left;
  const uint64_t id = next_id_++;
  entry->id = id;
  arrivals_.push_back(std::move(entry));
  changed_.NotifyOne();
  return id;
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
  return queued_rows_;
}

bool Scheduler::WaitForWork() {
  if (AnythingToDo()) return true;
  MutexLock lock(&mutex_);
  while (arrivals_.empty() && cancelled_.empty() && !woken_ && !stopped_) changed_.Wait(&mutex_);
  return !(stopped_ && arrivals_.empty() && active_.empty());
}

bool Scheduler::RunStep() {
  AdmitArrivals();
  RemoveCancelledAndExpired();
  bool stopped;
  {
    MutexLock lock(&mutex_);
    stopped = stopped_;
  }
  if (stopped) {
    EndAll(WithReason(absl::UnavailableError("the model is shutting down"), "SHUTTING_DOWN"));
  }
  StepOnce();
  DeliverComplete();
  if (observer_ != nullptr) {
    observer_->OnLoad(queued_rows(), static_cast<int64_t>(active_.size()));
  }
  return AnythingToDo();
}

void Scheduler::AdmitArrivals() {
  std::vector<std::unique_ptr<Entry>> arrivals;
  {
    MutexLock lock(&mutex_);
    arrivals.swap(arrivals_);
    woken_ = false;
  }
  for (auto& entry : arrivals) {
    entry->job =
        std::make_unique<predict::Job>(engine_.get(), entry->request.controls,
                                       entry->request.perturbations, entry->request.options);
    const uint64_t id = entry->id;
    active_.emplace(id, std::move(entry));
  }
}

void Scheduler::RemoveCancelledAndExpired() {
  std::vector<uint64_t> cancelled;
  {
    MutexLock lock(&mutex_);
    cancelled.swap(cancelled_);
  }
  for (const uint64_t id : cancelled) {
    End(id, WithReason(absl::CancelledError("cancelled by the caller"), "CANCELLED"));
  }
  const absl::Time now = clock_->Now();
  std::vector<uint64_t> expired;
  for (const auto& [id, entry] : active_) {
    if (entry->request.deadline <= now) expired.push_back(id);
  }
  for (const uint64_t id : expired) {
    End(id, WithReason(absl::DeadlineExceededError("the deadline passed before the work was done"),
                       "DEADLINE_EXCEEDED"));
  }
}

void Scheduler::StepOnce() {
  std::vector<JobSnapshot> jobs;
  for (const auto& [id, entry] : active_) {
    if (!entry->listener->Ready()) continue;
    jobs.push_back({id, entry->request.priority, entry->arrival, entry->request.deadline,
                    entry->job->runnable(), entry->last_turn});
  }
  std::vector<predict::Row*> batch;
  std::vector<Entry*> served;
  for (const Allocation& allocation : AllocateStep(jobs, options_.max_batch)) {
    Entry* entry = active_.at(allocation.id).get();
    entry->rows.clear();
    entry->job->TakeRunnable(allocation.rows, &entry->rows);
    batch.insert(batch.end(), entry->rows.begin(), entry->rows.end());
    entry->last_turn = ++turn_;
    served.push_back(entry);
  }
  if (batch.empty()) return;

  const absl::Time start = clock_->Now();
  const absl::Status status = engine_->Step(batch);
  const absl::Duration duration = clock_->Now() - start;
  if (observer_ != nullptr) observer_->OnStep(static_cast<int64_t>(batch.size()), duration);
  for (Entry* entry : served) {
    if (!status.ok()) {
      End(entry->id, status);
      continue;
    }
    entry->first_step = std::min(entry->first_step, start);
    entry->compute += duration;
    entry->job->Return(entry->rows);
    entry->may_be_complete = true;
    const int64_t total = entry->job->evaluations_total();
    entry->listener->OnProgress(
        {total - entry->job->evaluations_left(), total, entry->perturbations_done});
  }
}

void Scheduler::DeliverComplete() {
  std::vector<std::pair<uint64_t, absl::Status>> ended;
  for (const auto& [id, entry] : active_) {
    while (entry->may_be_complete && entry->listener->Ready()) {
      const std::optional<int> complete = entry->job->NextComplete();
      if (!complete.has_value()) {
        entry->may_be_complete = false;
        break;
      }
      const absl::Time start = clock_->Now();
      auto profiles = entry->job->Finish(*complete);
      entry->compute += clock_->Now() - start;
      if (!profiles.ok()) {
        ended.emplace_back(id, profiles.status());
        break;
      }
      ++entry->perturbations_done;
      entry->rows_left -= entry->cells();
      {
        MutexLock lock(&mutex_);
        queued_rows_ -= entry->cells();
      }
      entry->listener->OnProfiles(std::move(*profiles));
    }
    if (entry->job->done()) ended.emplace_back(id, absl::OkStatus());
  }
  for (const auto& [id, status] : ended) End(id, status);
}

void Scheduler::End(uint64_t id, const absl::Status& status) {
  const auto found = active_.find(id);
  if (found == active_.end()) return;
  const std::unique_ptr<Entry> entry = std::move(found->second);
  active_.erase(found);
  {
    MutexLock lock(&mutex_);
    queued_rows_ -= entry->rows_left;
  }
  const absl::Time now = clock_->Now();
  JobTimings timings;
  timings.queue = std::min(entry->first_step, now) - entry->arrival;
  timings.compute = entry->compute;
  timings.total = now - entry->arrival;
  timings.evaluations = entry->job->evaluations_total() - entry->job->evaluations_left();
  entry->listener->OnEnd(status, timings);
}

void Scheduler::EndAll(const absl::Status& status) {
  while (!active_.empty()) End(active_.begin()->first, status);
}

bool Scheduler::AnythingToDo() const {
  for (const auto& [id, entry] : active_) {
    if ((entry->may_be_complete || entry->job->runnable() > 0) && entry->listener->Ready()) {
      return true;
    }
  }
  return false;
}

}  // namespace unlasting::server
