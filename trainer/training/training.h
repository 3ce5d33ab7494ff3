// Train runs the training loop of one network for fit: batches, AdamW, the moving average of the
// weights, early stopping and checkpoints.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/model/torch/network.h"
#include "trainer/training/training_task.h"

namespace unlasting::trainer {

// Trains `network` in place and leaves the moving average of its weights in it: the final one, or
// with validation_fraction the one with the least validation distance. All randomness is a function
// of (seed, step): a resumed run computes what an uninterrupted run computes, and several ranks
// compute what one does, to float32 rounding.
// CANCELLED after an interruption; DATA_LOSS where a checkpoint cannot be read; INTERNAL with the
// step where a loss is not finite; UNAVAILABLE, after a checkpoint, where a rank was lost. The
// message is empty on ranks that leave reporting to rank 0.
absl::Status Train(const TrainingTask& task, model::Network* network);

}  // namespace unlasting::trainer
