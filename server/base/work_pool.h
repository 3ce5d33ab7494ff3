// A WorkPool runs the work that a reaction of gRPC must not do itself, such as decoding, validating
// and encoding, on a few threads of its own.
#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "server/base/mutex.h"

namespace unlasting::server {

// Tasks start in the order in which they were scheduled, each on one of the threads. Any thread may
// call Schedule, a task included.
class WorkPool {
 public:
  explicit WorkPool(int threads);
  // Runs every task that was scheduled, then joins the threads.
  ~WorkPool();
  WorkPool(const WorkPool&) = delete;
  WorkPool& operator=(const WorkPool&) = delete;

  void Schedule(std::function<void()> task);

 private:
  void Run();

  Mutex mutex_;
  CondVar changed_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace unlasting::server
