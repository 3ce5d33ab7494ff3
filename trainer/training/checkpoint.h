// State of a training run: on disk, replaced as a whole, or as bytes for other ranks.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unlasting::trainer {

struct TrainingState {
  std::vector<torch::Tensor> weights;  // the network's own tensors
  std::vector<torch::Tensor> average;  // their moving average
  torch::optim::Optimizer* optimizer = nullptr;
  int64_t step = 0;
  // Early stopping: the average where the held-out cells were met best; empty before the first
  // check.
  std::vector<torch::Tensor> best;
  double best_distance = 0;
  int64_t checks_since_best = 0;
};

absl::Status WriteCheckpoint(const std::string& path, const TrainingState& state);
absl::StatusOr<std::string> EncodeState(const TrainingState& state);

// Fill weights, average and optimizer in place, the rest anew. DATA_LOSS where the file or the
// bytes are damaged or of another model; the state is then spoilt.
absl::Status ReadCheckpoint(const std::string& path, TrainingState* state);
absl::Status DecodeState(const std::string& bytes, TrainingState* state);

}  // namespace unlasting::trainer
