// Things to look at every few seconds. What is due is decided by an injected clock; a thread only
// asks often enough.
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

class PeriodicTasks {
 public:
  explicit PeriodicTasks(const Clock* clock);
  // Waits for the task that runs.
  ~PeriodicTasks();

  // Before Start. `task` first runs one interval from now; zero or less never.
  void Every(absl::Duration interval, std::function<void()> task);
  void Start();

  // Runs what is due, in the order of Every. Called by the thread, or by a test in its place.
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
  std::thread thread_;
};

}  // namespace unlasting::server
