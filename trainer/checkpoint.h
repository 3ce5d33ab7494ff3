// State of a training run on disk, replaced as a whole.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace unlasting::trainer {

absl::Status WriteCheckpoint(const std::string& path, const std::vector<torch::Tensor>& weights,
                             const std::vector<torch::Tensor>& average,
                             const torch::optim::Optimizer& optimizer, int64_t step);

// Fills weights and average in place. DATA_LOSS where the file is damaged or of another model.
absl::Status ReadCheckpoint(const std::string& path, const std::vector<torch::Tensor>& weights,
                            std::vector<torch::Tensor>* average, torch::optim::Optimizer* optimizer,
                            int64_t* step);

}  // namespace unlasting::trainer
