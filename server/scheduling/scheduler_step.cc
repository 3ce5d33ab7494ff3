// The part of Scheduler that runs on the executor's thread: a step, and what is done between steps.
#include <algorithm>
#include <utility>

#include "core/base/status.h"
#include "server/scheduling/scheduled_job.h"
#include "server/scheduling/scheduler.h"

namespace unlasting::server {
namespace {

// How much longer than by itself a step of interactive work may take with bulk work in it, and a
// step of one client's small work with more of another's.
constexpr double kLongestBesideOthers = 1.5;

}  // namespace

bool Scheduler::RunStep() {
  AdmitArrivals();
  RemoveCancelled();
  RemoveExpired();
  RemoveUnread();
  bool stopped;
  {
    MutexLock lock(&mutex_);
    stopped = stopped_;
  }
  if (stopped) {
    EndAll(WithReason(absl::UnavailableError("the model is shutting down"), "SHUTTING_DOWN"));
  }
  const int64_t step_rows = StepOnce();
  DeliverComplete();
  const bool more = AnythingToDo();
  ReportLoad(more ? step_rows : 0);
  return more;
}

void Scheduler::ReportLoad(int64_t step_rows) {
  SchedulerLoad load;
  load.step_rows = step_rows;
  load.jobs = static_cast<int64_t>(active_.size());
  int64_t evaluations = waiting_evaluations_;
  for (const auto& [id, entry] : active_) evaluations += entry->job->evaluations_left();
  {
    MutexLock lock(&mutex_);
    for (const auto& entry : arrivals_) evaluations += EstimateOf(entry->task).evaluations;
    backlog_ = {evaluations, static_cast<int64_t>(clients_.size())};
    load.queued_rows = quota_.total().rows;
    load.queued_bytes = quota_.total().bytes;
  }
  if (observer_ == nullptr) return;
  if (predict::ContentCache* latents = engine_->latents()) load.latents = latents->statistics();
  if (predict::ContentCache* kept = engine_->thresholds()) load.thresholds = kept->statistics();
  observer_->OnLoad(load);
}

void Scheduler::RemoveCancelled() {
  std::vector<uint64_t> cancelled;
  {
    MutexLock lock(&mutex_);
    cancelled.swap(cancelled_);
  }
  for (const uint64_t id : cancelled) {
    End(id, WithReason(absl::CancelledError("cancelled by the caller"), "CANCELLED"));
  }
}

void Scheduler::RemoveExpired() {
  const absl::Time now = clock_->Now();
  std::vector<uint64_t> expired;
  for (const auto& [id, entry] : active_) {
    if (entry->task.deadline <= now) expired.push_back(id);
  }
  for (const uint64_t id : expired) End(id, DeadlinePassed());
  RemoveExpiredWaiting(now);
}

void Scheduler::RemoveUnread() {
  const absl::Time now = clock_->Now();
  std::vector<uint64_t> unread;
  for (const auto& [id, entry] : active_) {
    const bool was_unread = entry->unread_since != absl::InfiniteFuture();
    if (entry->listener->Ready()) {
      entry->unread_since = absl::InfiniteFuture();
      entry->share->unread -= was_unread ? 1 : 0;
    } else {
      entry->share->unread += was_unread ? 0 : 1;
      entry->unread_since = std::min(entry->unread_since, now);
      if (now - entry->unread_since >= options_.reader_patience) unread.push_back(id);
    }
  }
  for (const uint64_t id : unread) {
    End(id,
        WithReason(absl::AbortedError(absl::StrCat("the results were not read for ",
                                                   absl::FormatDuration(options_.reader_patience),
                                                   ": read the stream as it arrives")),
                   "SLOW_READER"));
  }
}

std::pair<PolicyOptions, absl::Duration> Scheduler::Policy() const {
  PolicyOptions policy;
  policy.max_rows = policy.efficient_rows = options_.max_batch;
  policy.bulk_patience = options_.bulk_patience;
  MutexLock lock(&mutex_);
  if (options_.request_level) {
    policy.due_factor = 0;
  } else {
    policy.efficient_rows = step_times_.EfficientRows(options_.max_batch);
    policy.rows_beside = [times = step_times_, max_batch = options_.max_batch](int64_t rows) {
      return times.RowsWithin(kLongestBesideOthers, rows, max_batch);
    };
  }
  return {policy, step_times_.PerRow()};
}

std::vector<JobSnapshot> Scheduler::RunnableJobs(absl::Duration per_row) {
  std::vector<JobSnapshot> jobs;
  const absl::Time now = clock_->Now();
  for (const auto& [id, entry] : active_) {
    JobSnapshot job;
    job.runnable_rows = entry->listener->Ready() ? entry->job->runnable() : 0;
    if (job.runnable_rows == 0) {
      // This job waits for its reader or for shared rows, and not for its turn.
      entry->waits_since = now;
      continue;
    }
    job.id = id;
    job.client = entry->client->id;
    job.priority = entry->task.priority;
    job.arrival = entry->arrival;
    job.waited = now - entry->waits_since;
    job.work = static_cast<double>(entry->job->evaluations_total()) * per_row;
    job.last_turn = entry->last_turn;
    job.client_last_turn = entry->client->last_turn;
    jobs.push_back(job);
  }
  return jobs;
}

int64_t Scheduler::StepOnce() {
  const absl::Time begin = clock_->Now();
  const auto [policy, per_row] = Policy();
  std::vector<predict::Row*> batch;
  std::vector<uint64_t> served;
  for (const Allocation& allocation : AllocateStep(RunnableJobs(per_row), policy)) {
    ScheduledJob* entry = active_.at(allocation.id).get();
    entry->rows.clear();
    entry->job->TakeRunnable(allocation.rows, &entry->rows);
    batch.insert(batch.end(), entry->rows.begin(), entry->rows.end());
    entry->last_turn = entry->client->last_turn = ++turn_;
    served.push_back(entry->id);
  }
  if (batch.empty()) {
    BringIn();
    return 0;
  }

  const absl::Time start = clock_->Now();
  const absl::Status status = engine_->Step(batch);
  BringIn();
  const absl::Duration duration = clock_->Now() - start;
  const auto step_rows = static_cast<int64_t>(batch.size());
  if (observer_ != nullptr) observer_->OnStep(step_rows, duration);
  if (status.ok()) LearnStepTime(step_rows, duration);
  for (const uint64_t id : served) {
    const auto found = active_.find(id);
    if (found == active_.end()) continue;  // BringIn ended it
    if (!status.ok()) {
      End(id, status);
      continue;
    }
    ScheduledJob* entry = found->second.get();
    entry->first_step = std::min(entry->first_step, start);
    entry->waits_since = start + duration;
    entry->compute += duration;
    if (engine_->overlaps()) {
      auto finished = predict::TakeFinished(&entry->rows);
      if (!finished.empty()) on_their_way_[id] = std::move(finished);
    }
    GiveBack(entry, entry->rows);
  }
  const absl::Duration between = clock_->Now() - begin - duration;
  MutexLock lock(&mutex_);
  step_times_.ObserveBetween(between);
  return step_rows;
}

void Scheduler::BringIn() {
  if (on_their_way_.empty()) return;
  const auto arriving = std::exchange(on_their_way_, {});
  std::vector<predict::Row*> all;
  for (const auto& [id, rows] : arriving) all.insert(all.end(), rows.begin(), rows.end());
  const absl::Status status = engine_->Collect(all);
  for (const auto& [id, rows] : arriving) {
    if (status.ok()) {
      GiveBack(active_.at(id).get(), rows);
    } else {
      End(id, status);
    }
  }
}

void Scheduler::GiveBack(ScheduledJob* entry, const std::vector<predict::Row*>& rows) {
  entry->job->Return(rows);
  const int64_t total = entry->job->evaluations_total();
  entry->listener->OnProgress(
      {total - entry->job->evaluations_left(), total, entry->perturbations_done});
}

void Scheduler::DeliverComplete() {
  std::vector<std::pair<uint64_t, absl::Status>> ended;
  for (const auto& [id, entry] : active_) {
    // A job without rows in the step is looked at too: another job may have advanced shared rows.
    while (entry->job->HasComplete() && entry->listener->Ready()) {
      const std::optional<int> complete = entry->job->NextComplete();
      const absl::Time start = clock_->Now();
      auto profiles = entry->job->Finish(*complete);
      entry->compute += clock_->Now() - start;
      if (!profiles.ok()) {
        ended.emplace_back(id, profiles.status());
        break;
      }
      ++entry->perturbations_done;
      entry->held.rows -= entry->cells();
      {
        MutexLock lock(&mutex_);
        quota_.Return(entry->task.client, {entry->cells(), 0});
      }
      entry->listener->OnProfiles(std::move(*profiles));
    }
    if (entry->job->done()) ended.emplace_back(id, absl::OkStatus());
  }
  for (const auto& [id, status] : ended) End(id, status);
}

void Scheduler::End(uint64_t id, const absl::Status& status) {
  // A job that went with rows on their way would spoil them for others that share them.
  if (on_their_way_.count(id) != 0) BringIn();
  const auto found = active_.find(id);
  if (found == active_.end()) {
    for (auto of_client = waiting_.begin(); of_client != waiting_.end(); ++of_client) {
      auto node = of_client->second.extract(id);
      if (node.empty()) continue;
      if (of_client->second.empty()) waiting_.erase(of_client);
      waiting_evaluations_ -= EstimateOf(node.mapped()->task).evaluations;
      EndWaiting(std::move(node.mapped()), status);
      return;
    }
    return;
  }
  const std::unique_ptr<ScheduledJob> entry = std::move(found->second);
  active_.erase(found);
  {
    MutexLock lock(&mutex_);
    quota_.Return(entry->task.client, entry->held);
  }
  if (entry->unread_since != absl::InfiniteFuture()) --entry->share->unread;
  if (--entry->share->active == 0) shares_.erase({entry->task.client, entry->task.priority});
  if (--entry->client->jobs == 0) clients_.erase(entry->task.client);
  const absl::Time now = clock_->Now();
  JobTimings timings;
  timings.queue = std::min(entry->first_step, now) - entry->arrival;
  timings.compute = entry->compute;
  timings.total = now - entry->arrival;
  timings.started = entry->first_step <= now;
  timings.evaluations = entry->job->evaluations_total() - entry->job->evaluations_left();
  entry->listener->OnEnd(status, timings);
}

void Scheduler::EndAll(const absl::Status& status) {
  while (!active_.empty()) End(active_.begin()->first, status);
  while (!waiting_.empty()) End(waiting_.begin()->second.begin()->first, status);
}

bool Scheduler::AnythingToDo() const {
  if (!on_their_way_.empty()) return true;
  for (const auto& [key, jobs] : waiting_) {
    if (HasShare(key)) return true;
  }
  for (const auto& [id, entry] : active_) {
    if ((entry->job->HasComplete() || entry->job->runnable() > 0) && entry->listener->Ready()) {
      return true;
    }
  }
  return false;
}

}  // namespace unlasting::server
