// An Executor runs the scheduler of one model, and through it the model's engine, on a thread of
// its own.
//
//   Executor executor(std::move(scheduler));
//   executor.scheduler().Submit(std::move(request), listener);
#pragma once

#include <memory>
#include <thread>

#include "server/scheduling/scheduler.h"

namespace unlasting::server {

// Owns the scheduler. Must not be destroyed on its own thread, which the destructor joins.
class Executor {
 public:
  explicit Executor(std::unique_ptr<Scheduler> scheduler);
  // Stops the scheduler and waits for the current step. Jobs that are still present end as
  // UNAVAILABLE.
  ~Executor();

  Scheduler& scheduler() { return *scheduler_; }

 private:
  const std::unique_ptr<Scheduler> scheduler_;
  std::thread thread_;
};

}  // namespace unlasting::server
