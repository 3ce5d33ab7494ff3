// The one thread that owns a model's engine and runs its scheduler.
#pragma once

#include <memory>
#include <thread>

#include "server/scheduling/scheduler.h"

namespace unlasting::server {

class Executor {
 public:
  explicit Executor(std::unique_ptr<Scheduler> scheduler);
  // Stops the scheduler (jobs that are left end as UNAVAILABLE) and waits for the current step.
  ~Executor();

  Scheduler& scheduler() { return *scheduler_; }

 private:
  const std::unique_ptr<Scheduler> scheduler_;
  std::thread thread_;
};

}  // namespace unlasting::server
