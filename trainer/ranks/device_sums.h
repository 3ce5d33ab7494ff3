// DeviceSums adds up what lies on the CUDA devices of all ranks, from device to device, by NCCL.
// Seen only by files that use c10d.
#pragma once

#include <torch/torch.h>

#include <memory>
#include <torch/csrc/distributed/c10d/Store.hpp>

#include "trainer/ranks/rank_info.h"

namespace unlasting::trainer {

// Calls are collective, as RankGroup's. They throw.
class DeviceSums {
 public:
  // Null, on every rank, where LibTorch has no NCCL or ranks lack a device of their own.
  static std::unique_ptr<DeviceSums> Create(const c10::intrusive_ptr<c10d::Store>& store,
                                            const RankInfo& info);
  // Gives up what is under way.
  virtual ~DeviceSums() = default;

  // Sums over all ranks, in place; returns when the device is done.
  virtual void Sum(float* values, int64_t count) = 0;
};

}  // namespace unlasting::trainer
