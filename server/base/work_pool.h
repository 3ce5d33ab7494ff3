// A few threads for work that a reaction of gRPC must not do itself: decoding, validating,
// encoding.
#pragma once

#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "server/base/mutex.h"

namespace unlasting::server {

// Runs tasks in the order scheduled, each on one of the threads. Any thread may call Schedule.
class WorkPool {
 public:
  explicit WorkPool(int threads);
  // Runs what was scheduled, then joins.
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
