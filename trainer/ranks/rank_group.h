// RankGroup connects the processes that train one network together, each on its share of every
// batch. This header sees no LibTorch; the collective calls are Gloo's, those between devices
// NCCL's.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

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

// The calls are collective: every rank makes the same ones in the same order, from one thread at a
// time. UNAVAILABLE where a rank was lost: on rank 0 the message names the rank, on other ranks it
// is empty unless rank 0 was lost. A group that failed once fails every later call.
class RankGroup {
 public:
  struct Hooks {
    // Called on rank 0 when other ranks can connect; starts them where no launcher does.
    std::function<absl::Status(int port)> listening;
    // Whether a rank's process is known to have exited.
    std::function<bool(int rank)> ended;
  };

  // Waits until every rank has joined. UNIMPLEMENTED in a build whose LibTorch has no Gloo.
  static absl::StatusOr<std::unique_ptr<RankGroup>> Join(const RankInfo& info, const Hooks& hooks);
  virtual ~RankGroup() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  // Sums `values` over all ranks, in place; every rank gets the same bits.
  virtual absl::Status Sum(absl::Span<float> values) = 0;
  // Whether there is SumOnDevices: true on all ranks or on none.
  virtual bool sums_on_devices() const = 0;
  // The same for `values` on each rank's own device; returns when they are there. A lost rank may
  // be noticed after minutes only: Sum, called before, notices at once.
  virtual absl::Status SumOnDevices(absl::Span<float> values) = 0;
  // Replaces `bytes` on every rank with those of rank 0.
  virtual absl::Status Broadcast(std::string* bytes) = 0;
};

}  // namespace unlasting::trainer
