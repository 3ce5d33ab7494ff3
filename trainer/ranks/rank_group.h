// RankGroup connects the processes that train one network together, each on its share of every
// batch. This header sees no LibTorch; the collective calls are Gloo's, those between devices
// NCCL's.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "trainer/ranks/rank_info.h"

namespace unlasting::trainer {

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
