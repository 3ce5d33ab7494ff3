// A FairPool shares a few threads between callers whose requests take long to prepare: callers take
// turns, and so do the tasks of one caller, a slice of work at a time.
//
//   FairPool pool(2);
//   pool.Schedule(client, [state] {
//     state->WorkForAMoment();
//     return !state->done();  // whether to call again
//   });
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "server/base/mutex.h"

namespace unlasting::server {

// Any thread may call Schedule, a task included. Tasks must not throw.
class FairPool {
 public:
  // Does a slice of work; returns whether there is more.
  using Task = std::function<bool()>;

  explicit FairPool(int threads);
  // Runs every task to its end, then joins the threads.
  ~FairPool();
  FairPool(const FairPool&) = delete;
  FairPool& operator=(const FairPool&) = delete;

  void Schedule(const std::string& client, Task task);

 private:
  struct Client {
    std::string name;
    std::deque<Task> tasks;
  };
  using Clients = std::list<Client>;  // whose turn is next, first; none without tasks

  void Add(const std::string& client, Task task) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Run();

  Mutex mutex_;
  CondVar changed_;
  Clients clients_ ABSL_GUARDED_BY(mutex_);
  std::unordered_map<std::string, Clients::iterator> by_name_ ABSL_GUARDED_BY(mutex_);
  int running_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace unlasting::server
