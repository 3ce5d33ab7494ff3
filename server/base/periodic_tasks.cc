#include "server/base/periodic_tasks.h"

#include <utility>

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

void PeriodicTasks::Start() {
  if (!tasks_.empty()) thread_ = std::thread([this] { Loop(); });
}

void PeriodicTasks::RunDue() {
  for (Task& task : tasks_) {
    if (clock_->Now() < task.due) continue;
    task.run();
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
