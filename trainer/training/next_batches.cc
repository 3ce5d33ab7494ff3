#include "trainer/training/next_batches.h"

namespace unlasting::trainer {

NextBatches::NextBatches(const BatchMaker& batches, torch::Device device, int64_t steps)
    : batches_(batches), device_(device), steps_(steps) {}

NextBatches::~NextBatches() {
  if (next_.valid()) next_.wait();
}

Batches NextBatches::Make(int64_t step) const {
  Batches batches = batches_.Make(step);
  if (device_.is_cuda()) {
    batches.control = batches.control.Pinned();
    batches.perturbed = batches.perturbed.Pinned();
  }
  return batches;
}

Batches NextBatches::Take(int64_t step) {
  if (device_.is_cpu()) return Make(step);
  Batches batches;
  if (next_.valid() && ahead_ == step) {
    batches = next_.get();
  } else {
    // The first step, or the first after a checkpoint was read.
    if (next_.valid()) next_.wait();
    batches = Make(step);
  }
  ahead_ = step + 1;
  next_ = {};
  if (ahead_ < steps_)
    next_ = std::async(std::launch::async, [this, at = ahead_] { return Make(at); });
  return batches;
}

}  // namespace unlasting::trainer
