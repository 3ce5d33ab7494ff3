#include "server/scheduling/executor.h"

#include <utility>

#include "server/base/logging.h"
#include "server/base/out_of_memory.h"

namespace unlasting::server {

Executor::Executor(std::unique_ptr<Scheduler> scheduler) : scheduler_(std::move(scheduler)) {
  thread_ = std::thread([this] {
    while (scheduler_->WaitForWork()) {
      // Which job had no memory is not known: all that are present end, and the next ones are
      // served.
      const absl::Status status = WithinMemory<absl::Status>([this] {
        scheduler_->RunStep();
        return absl::OkStatus();
      });
      if (status.ok()) continue;
      LogEvent(LogLevel::kError, "a step failed", {{"error", std::string(status.message())}});
      while (!WithinMemory<absl::Status>([this, &status] {
                scheduler_->FailAll(status);
                return absl::OkStatus();
              }).ok()) {
      }
    }
  });
}

Executor::~Executor() {
  scheduler_->Stop();
  thread_.join();
}

}  // namespace unlasting::server
