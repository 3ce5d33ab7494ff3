// PeriodicTasks runs the server's chores, such as looking for changed files, every few seconds. An
// injected clock decides what is due; a thread of its own only asks often enough.
//
//   PeriodicTasks periodic(Clock::Steady());
//   periodic.Every(absl::Seconds(5), [&] { registry.ReloadChanged(); });
//   periodic.Start();
#pragma once

#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/base/mutex.h"

namespace unlasting::server {

// States: being set up (Every) -> running (Start) -> stopped (the destructor). Tasks run one at a
// time, on the thread that Start starts.
class PeriodicTasks {
 public:
  // `clock` outlives this.
  explicit PeriodicTasks(const Clock* clock);
  // Waits for the task that is running, if any.
  ~PeriodicTasks();

  // Starts no further task, and waits for the one that is running, for `patience` at most: a task
  // may hang in a file system. Returns whether none is running.
  bool Stop(absl::Duration patience);

  // Runs `task` every `interval`, for the first time one interval from now. A task whose interval
  // is zero or less never runs. Call before Start.
  void Every(absl::Duration interval, std::function<void()> task);
  void Start();

  // Runs the tasks that are due, in the order in which they were added. Called by the thread, or by
  // a test that has not called Start.
  void RunDue();

 private:
  struct Task {
    absl::Duration interval;
    absl::Time due;
    std::function<void()> run;
  };

  void Loop();

  const Clock* const clock_;
  std::vector<Task> tasks_;
  Mutex mutex_;
  CondVar changed_;
  bool stopped_ ABSL_GUARDED_BY(mutex_) = false;
  bool ended_ ABSL_GUARDED_BY(mutex_) = true;  // the thread, where there is one
  std::thread thread_;
};

}  // namespace unlasting::server
