#include "server/base/work_pool.h"

#include <string>
#include <utility>

#include "server/base/logging.h"
#include "server/base/out_of_memory.h"

namespace unlasting::server {

WorkPool::WorkPool(int threads) {
  for (int k = 0; k < threads; ++k) threads_.emplace_back([this] { Run(); });
}

WorkPool::~WorkPool() {
  {
    MutexLock lock(&mutex_);
    closed_ = true;
  }
  changed_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
}

void WorkPool::Schedule(std::function<void()> task) {
  {
    MutexLock lock(&mutex_);
    tasks_.push_back(std::move(task));
  }
  changed_.NotifyOne();
}

void WorkPool::Run() {
  while (true) {
    std::function<void()> task;
    {
      MutexLock lock(&mutex_);
      while (tasks_.empty() && !closed_) changed_.Wait(&mutex_);
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    // Tasks end their own calls; one that cannot even do that must not end the process.
    const absl::Status done = WithinMemory<absl::Status>([&task] {
      task();
      return absl::OkStatus();
    });
    if (!done.ok()) {
      LogEvent(LogLevel::kError, "a task failed", {{"error", std::string(done.message())}});
    }
  }
}

}  // namespace unlasting::server
