// ThreadTeam keeps worker threads that wait between jobs, so that a step does not pay for starting
// them.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace unlasting::model::cpu {

// One caller at a time. The caller works too: a team of 1 has no threads of its own.
class ThreadTeam {
 public:
  explicit ThreadTeam(int threads);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  int threads() const { return static_cast<int>(workers_.size()) + 1; }

  // Calls work(task, worker) for every task in [0, tasks), each once, next task to whoever is free;
  // worker is in [0, threads()). Waits for all; the first exception is rethrown.
  void Run(int64_t tasks, const std::function<void(int64_t task, int worker)>& work);

 private:
  void Wait(int worker);
  void Drain(int worker);

  std::vector<std::thread> workers_;
  std::mutex mutex_;
  std::condition_variable start_, finished_;
  uint64_t round_ = 0;
  bool stopping_ = false;
  int busy_ = 0;
  int64_t next_ = 0;
  int64_t tasks_ = 0;
  const std::function<void(int64_t, int)>* work_ = nullptr;
  std::exception_ptr failure_;
};

}  // namespace unlasting::model::cpu
