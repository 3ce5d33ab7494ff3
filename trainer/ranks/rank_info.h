// RankInfo says which rank of a group a process is, and how it finds the others.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace unlasting::trainer {

// The rank of a process in its group, and where it finds rank 0.
struct RankInfo {
  int rank = 0;
  int size = 1;
  std::string host;       // of rank 0
  int port = 0;           // of rank 0; on rank 0 itself, 0 takes any free port
  std::string interface;  // network interface to use; "": that of the host's own name
  // True where the launcher (torchrun) serves the store, not rank 0.
  bool served_by_launcher = false;
  std::string prefix;  // of keys in a store that outlives a group
  int local_rank = 0;  // among the processes of its machine, which share the machine's devices
  int device = -1;     // the CUDA device that this rank trains on; -1: none
};

// Whether of the devices that ranks train on, by names that no two devices share, none is "" and no
// two are one: NCCL takes no others.
bool EachHasItsOwn(const std::vector<std::string>& devices);

// Reads RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, as torchrun and Kubeflow set them,
// LOCAL_RANK (0 where it is not set) and GLOO_SOCKET_IFNAME. nullopt where RANK or WORLD_SIZE is
// not set or the size is 1; INVALID_ARGUMENT names a variable with a bad value.
absl::StatusOr<std::optional<RankInfo>> RankInfoFromEnvironment();

}  // namespace unlasting::trainer
