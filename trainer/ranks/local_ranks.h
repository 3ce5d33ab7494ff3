// LocalRanks starts and ends ranks 1 and up of `fit --ranks`: copies of this process on this
// machine.
#pragma once

#include <sys/types.h>

#include <vector>

#include "absl/status/status.h"

namespace unlasting::trainer {

// Owns the processes: those still running when it is destroyed are killed. One thread at a time.
class LocalRanks {
 public:
  LocalRanks() = default;
  ~LocalRanks();
  LocalRanks(const LocalRanks&) = delete;
  LocalRanks& operator=(const LocalRanks&) = delete;

  // Starts ranks 1 to size - 1 with this process's command line and an environment that says where
  // rank 0 listens, 127.0.0.1:port.
  absl::Status Start(int size, int port);
  // True where the rank was started here and its process has exited.
  bool Ended(int rank);

 private:
  std::vector<pid_t> processes_;  // of rank k + 1; 0 once it has exited
};

}  // namespace unlasting::trainer
