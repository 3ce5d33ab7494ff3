#include "server/base/periodic_tasks.h"

#include <chrono>
#include <utility>

#include "server/base/logging.h"
#include "server/base/out_of_memory.h"

namespace unlasting::server {
namespace {

// How often the thread looks at the clock.
constexpr std::chrono::milliseconds kTick(200);

}  // namespace

PeriodicTasks::PeriodicTasks(const Clock* clock) : clock_(clock) {}

PeriodicTasks::~PeriodicTasks() {
  {
    MutexLock lock(&mutex_);
    stopped_ = true;
  }
  changed_.NotifyAll();
  if (thread_.joinable()) thread_.join();
}

void PeriodicTasks::Every(absl::Duration interval, std::function<void()> task) {
  if (interval <= absl::ZeroDuration()) return;
  tasks_.push_back({interval, clock_->Now() + interval, std::move(task)});
}

bool PeriodicTasks::Stop(absl::Duration patience) {
  const auto deadline = std::chrono::steady_clock::now() + absl::ToChronoMilliseconds(patience);
  MutexLock lock(&mutex_);
  stopped_ = true;
  changed_.NotifyAll();
  while (!ended_) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    changed_.WaitFor(&mutex_, left);
  }
  return true;
}

void PeriodicTasks::Start() {
  if (tasks_.empty()) return;
  {
    MutexLock lock(&mutex_);
    ended_ = false;
  }
  thread_ = std::thread([this] {
    Loop();
    MutexLock lock(&mutex_);
    ended_ = true;
    changed_.NotifyAll();
  });
}

void PeriodicTasks::RunDue() {
  for (Task& task : tasks_) {
    if (clock_->Now() < task.due) continue;
    // The next tasks, and the next time, are not lost where there is no memory for one.
    const absl::Status done = WithinMemory<absl::Status>([&task] {
      task.run();
      return absl::OkStatus();
    });
    if (!done.ok()) {
      LogEvent(LogLevel::kError, "a chore failed", {{"error", std::string(done.message())}});
    }
    // Counted from now, so that a task slower than its interval does not run back to back.
    task.due = clock_->Now() + task.interval;
  }
}

void PeriodicTasks::Loop() {
  while (true) {
    {
      MutexLock lock(&mutex_);
      if (!stopped_) changed_.WaitFor(&mutex_, kTick);
      if (stopped_) return;
    }
    RunDue();
  }
}

}  // namespace unlasting::server
