#include "server/base/fair_pool.h"

#include <string>
#include <utility>

#include "server/base/logging.h"
#include "server/base/out_of_memory.h"

namespace unlasting::server {

FairPool::FairPool(int threads) {
  for (int k = 0; k < threads; ++k) threads_.emplace_back([this] { Run(); });
}

FairPool::~FairPool() {
  {
    MutexLock lock(&mutex_);
    closed_ = true;
  }
  changed_.NotifyAll();
  for (std::thread& thread : threads_) thread.join();
}

void FairPool::Schedule(const std::string& client, Task task) {
  {
    MutexLock lock(&mutex_);
    Add(client, std::move(task));
  }
  changed_.NotifyOne();
}

void FairPool::Add(const std::string& client, Task task) {
  auto found = by_name_.find(client);
  if (found == by_name_.end()) {
    clients_.push_back({client, {}});
    found = by_name_.emplace(client, std::prev(clients_.end())).first;
  }
  found->second->tasks.push_back(std::move(task));
}

void FairPool::Run() {
  while (true) {
    std::string client;
    Task task;
    {
      MutexLock lock(&mutex_);
      // A task that is running may come back with more to do.
      while (clients_.empty() && !(closed_ && running_ == 0)) changed_.Wait(&mutex_);
      if (clients_.empty()) break;
      Client& next = clients_.front();
      client = next.name;
      task = std::move(next.tasks.front());
      next.tasks.pop_front();
      if (next.tasks.empty()) {
        by_name_.erase(client);
        clients_.pop_front();
      } else {
        clients_.splice(clients_.end(), clients_, clients_.begin());
      }
      ++running_;
    }
    // Tasks end their own calls; one that cannot even do that must not end the process.
    bool more = false;
    const absl::Status done = WithinMemory<absl::Status>([&task, &more] {
      more = task();
      return absl::OkStatus();
    });
    if (!done.ok()) {
      LogEvent(LogLevel::kError, "a task failed", {{"error", std::string(done.message())}});
    }
    if (!more) task = nullptr;  // before the lock: it may hold the last reference to a call
    MutexLock lock(&mutex_);
    --running_;
    if (more) Add(client, std::move(task));
    changed_.NotifyAll();
  }
}

}  // namespace unlasting::server
