// The processes that train one network together, each on its share of every batch.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace unlasting::trainer {

// Where a process stands in its group.
struct RankInfo {
  int rank = 0;
  int size = 1;
  std::string host;       // of rank 0
  int port = 0;           // of rank 0; 0 there: any free one
  std::string interface;  // network interface to talk over; "": the one of the host's own name
  // The launcher that set the environment serves the store (torchrun), not rank 0.
  bool served_by_launcher = false;
  std::string prefix;  // of keys in a store that outlives a group
};

// Of RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, as torchrun and Kubeflow set them, with
// GLOO_SOCKET_IFNAME; nullopt where RANK or WORLD_SIZE is not set or the size is 1.
absl::StatusOr<std::optional<RankInfo>> RankInfoFromEnvironment();

// Collective calls: every rank makes the same ones in the same order. UNAVAILABLE where a rank was
// lost: on rank 0 the message names it, on others it is empty unless it was rank 0. A group that
// failed once stays broken. One thread at a time.
class RankGroup {
 public:
  struct Hooks {
    // Called on rank 0 when others can connect: starts them, where they are ours to start.
    std::function<absl::Status(int port)> listening;
    // Whether a rank's process is known to have ended.
    std::function<bool(int rank)> ended;
  };

  // Waits until every rank has arrived. UNIMPLEMENTED in a build whose LibTorch has no Gloo.
  static absl::StatusOr<std::unique_ptr<RankGroup>> Join(const RankInfo& place, const Hooks& hooks);
  virtual ~RankGroup() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  // In place, over all ranks; every rank gets the same bits.
  virtual absl::Status Sum(absl::Span<float> values) = 0;
  // Rank 0's bytes on every rank.
  virtual absl::Status Broadcast(std::string* bytes) = 0;
};

}  // namespace unlasting::trainer
