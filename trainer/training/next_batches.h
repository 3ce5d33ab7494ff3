// NextBatches makes the batch of the next step while a device computes the present one, so that the
// device does not wait for the host. On the CPU, whose cores the step itself needs, it makes each
// batch when it is asked for. Included only by files that use LibTorch.
#pragma once

#include <cstdint>
#include <future>

#include "trainer/training/batch_maker.h"

namespace unlasting::trainer {

class NextBatches {
 public:
  // `batches` must outlive the object. No batch of a step from `steps` on is made ahead.
  NextBatches(const BatchMaker& batches, torch::Device device, int64_t steps);
  ~NextBatches();
  NextBatches(const NextBatches&) = delete;
  NextBatches& operator=(const NextBatches&) = delete;

  // The batch of `step`, on the CPU, in pinned memory where the device is CUDA. One thread at a
  // time. Throws c10::Error.
  Batches Take(int64_t step);

 private:
  Batches Make(int64_t step) const;

  const BatchMaker& batches_;
  const torch::Device device_;
  const int64_t steps_;
  int64_t ahead_ = -1;  // the step of `next_`
  std::future<Batches> next_;
};

}  // namespace unlasting::trainer
