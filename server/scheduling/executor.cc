#include "server/scheduling/executor.h"

#include <utility>

namespace unlasting::server {

Executor::Executor(std::unique_ptr<Scheduler> scheduler) : scheduler_(std::move(scheduler)) {
  thread_ = std::thread([this] {
    while (scheduler_->WaitForWork()) scheduler_->RunStep();
  });
}

Executor::~Executor() {
  scheduler_->Stop();
  thread_.join();
}

}  // namespace unlasting::server
