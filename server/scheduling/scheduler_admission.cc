// The part of Scheduler that decides which of the jobs submitted are looked at between steps, on
// the executor's thread.
#include <iterator>
#include <utility>

#include "core/base/status.h"
#include "server/base/out_of_memory.h"
#include "server/scheduling/scheduled_job.h"
#include "server/scheduling/scheduler.h"

namespace unlasting::server {
namespace {

// How many full steps the active jobs of one client and priority make where each has one row.
constexpr int64_t kStepsOfJobs = 2;

// How often the deadlines of jobs that wait are looked at.
constexpr absl::Duration kWaitingCheckInterval = absl::Milliseconds(50);

}  // namespace

absl::Status DeadlinePassed() {
  return WithReason(
      absl::DeadlineExceededError("the deadline passed before the prediction was complete"),
      "DEADLINE_EXCEEDED");
}

std::vector<std::unique_ptr<ScheduledJob>> Scheduler::TakeArrivals() {
  std::vector<std::unique_ptr<ScheduledJob>> arrivals;
  if (!options_.request_level || stopped_) {
    arrivals.swap(arrivals_);
    return arrivals;
  }
  if (!active_.empty()) return arrivals;
  int64_t rows = 0;
  while (!arrivals_.empty() && rows < options_.max_batch) {
    rows += arrivals_.front()->cells();
    arrivals.push_back(std::move(arrivals_.front()));
    arrivals_.erase(arrivals_.begin());
  }
  return arrivals;
}

void Scheduler::AdmitArrivals() {
  std::vector<std::unique_ptr<ScheduledJob>> arrivals;
  {
    MutexLock lock(&mutex_);
    arrivals = TakeArrivals();
    woken_ = false;
  }
  for (auto& entry : arrivals) {
    const WaitingKey key(entry->task.client, entry->task.priority);
    waiting_evaluations_ += EstimateOf(entry->task).evaluations;
    const uint64_t id = entry->id;
    waiting_[key].emplace(id, std::move(entry));
  }
  AdmitWaiting();
}

bool Scheduler::HasShare(const WaitingKey& key) const {
  // By request, jobs join only where none is running, as many as fill a step.
  if (options_.request_level) return true;
  // Jobs whose readers are behind get no rows: others of the client take their place.
  const auto share = shares_.find(key);
  return share == shares_.end() ||
         share->second.active - share->second.unread < kStepsOfJobs * options_.max_batch;
}

void Scheduler::AdmitWaiting() {
  for (auto of_client = waiting_.begin(); of_client != waiting_.end();) {
    auto& jobs = of_client->second;
    while (!jobs.empty() && HasShare(of_client->first)) {
      std::unique_ptr<ScheduledJob> entry = std::move(jobs.begin()->second);
      jobs.erase(jobs.begin());
      waiting_evaluations_ -= EstimateOf(entry->task).evaluations;
      Admit(std::move(entry));
    }
    of_client = jobs.empty() ? waiting_.erase(of_client) : std::next(of_client);
  }
}

void Scheduler::Admit(std::unique_ptr<ScheduledJob> entry) {
  auto job = WithinMemory<absl::StatusOr<std::unique_ptr<predict::Job>>>([this, &entry] {
    return std::make_unique<predict::Job>(engine_.get(), &in_flight_, entry->task);
  });
  if (!job.ok()) {
    EndWaiting(std::move(entry), job.status());
    return;
  }
  entry->job = *std::move(job);
  const auto [client, is_new] = clients_.try_emplace(entry->task.client);
  if (is_new) {
    client->second.id = next_client_++;
    client->second.last_turn = turn_;
  }
  ++client->second.jobs;
  entry->share = &shares_[{entry->task.client, entry->task.priority}];
  ++entry->share->active;
  entry->client = &client->second;
  entry->last_turn = turn_;
  const uint64_t id = entry->id;
  active_.emplace(id, std::move(entry));
}

void Scheduler::EndWaiting(std::unique_ptr<ScheduledJob> entry, const absl::Status& status) {
  {
    MutexLock lock(&mutex_);
    quota_.Return(entry->task.client, entry->held);
  }
  JobTimings timings;
  timings.queue = timings.total = clock_->Now() - entry->arrival;
  entry->listener->OnEnd(status, timings);
}

void Scheduler::RemoveExpiredWaiting(absl::Time now) {
  if (waiting_.empty() || now - waiting_checked_ < kWaitingCheckInterval) return;
  waiting_checked_ = now;
  std::vector<uint64_t> expired;
  for (const auto& [key, jobs] : waiting_) {
    for (const auto& [id, entry] : jobs) {
      if (entry->task.deadline <= now) expired.push_back(id);
    }
  }
  for (const uint64_t id : expired) End(id, DeadlinePassed());
}

}  // namespace unlasting::server
