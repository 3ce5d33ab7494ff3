// TrainingState is what a training run resumes from: as a checkpoint on disk, which is replaced
// atomically, or as bytes for other ranks.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "trainer/training/adamw.h"

namespace unlasting::trainer {

struct TrainingState {
  // Of a run that has not begun.
  explicit TrainingState(const std::vector<torch::Tensor>& weights);

  std::vector<torch::Tensor> weights;  // the network's own tensors
  std::vector<torch::Tensor> average;  // their moving average
  AdamWMoments moments;
  int64_t step = 0;
  // Early stopping: the average at the least validation distance; empty before the first check.
  std::vector<torch::Tensor> best;
  double best_distance = 0;
  int64_t checks_since_best = 0;
};

absl::Status WriteCheckpoint(const std::string& path, const TrainingState& state);
absl::StatusOr<std::string> EncodeState(const TrainingState& state);

// Overwrite weights, average and moments in place and set the other fields. DATA_LOSS where the
// file or the bytes are damaged or belong to another model; the state must then not be used.
absl::Status ReadCheckpoint(const std::string& path, TrainingState* state);
absl::Status DecodeState(const std::string& bytes, TrainingState* state);

}  // namespace unlasting::trainer
