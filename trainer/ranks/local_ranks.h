// Ranks 1 and up of `fit --ranks`: copies of this process on this machine.
#pragma once

#include <sys/types.h>

#include <vector>

#include "absl/status/status.h"

namespace unlasting::trainer {

// Those still running when this is destroyed are killed.
class LocalRanks {
 public:
  LocalRanks() = default;
  ~LocalRanks();
  LocalRanks(const LocalRanks&) = delete;
  LocalRanks& operator=(const LocalRanks&) = delete;

  // Starts ranks 1 to size - 1 with this process's command line; they find rank 0 at
  // 127.0.0.1:port through their environment.
  absl::Status Start(int size, int port);
  bool Ended(int rank);

 private:
  std::vector<pid_t> processes_;  // of rank k + 1; 0 once it has ended
};

}  // namespace unlasting::trainer
