// Batches as tensors: cells, noise and conditions of a training step. Seen only by files that use
// LibTorch.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "core/diffusion/schedule.h"
#include "core/model/torch/network.h"
#include "core/model/torch/threads.h"
#include "trainer/data/training_data.h"
#include "trainer/settings/config.pb.h"

namespace unlasting::trainer {

// Cells of one side of a batch, in model units.
struct BatchRows {
  torch::Tensor x_0, x_t, t;  // [B, N], [B, N], [B]; x_t and t are undefined for the mask model
  model::Network::Inputs inputs;

  int64_t size() const { return x_0.defined() ? x_0.size(0) : 0; }
  // The rows of a thread's share.
  BatchRows Part(model::Range range) const;
};

struct Batches {
  BatchRows control;  // for the source model; empty for the mask model
  BatchRows perturbed;
};

// Stateless: a batch with its noise is a function of (seed, step), however it is cut for threads.
class BatchMaker {
 public:
  // The references must outlive this.
  BatchMaker(model::NetworkKind kind, const TrainConfig& config, const TrainingData& data,
             const diffusion::Schedule& schedule);

  Batches Make(int64_t step) const;

 private:
  void AddNoise(const at::Generator& random, BatchRows* rows) const;
  model::Network::Inputs PerturbedInputs(const Batch& batch, const at::Generator& random) const;

  model::NetworkKind kind_;
  const TrainConfig& config_;
  const TrainingData& data_;
  torch::Tensor control_mean_;       // [cell types, N]
  torch::Tensor control_deviation_;  // [cell types, N]
  torch::Tensor alpha_bar_;          // [T]
};

// Cells as rows, [cells, N], and their types, [cells].
torch::Tensor RowsOf(const TrainingData& data, const std::vector<int64_t>& cells);
torch::Tensor TypesOf(const TrainingData& data, const std::vector<int64_t>& cells);
// Cell type and perturbation of each cell; `control` is left to the caller.
model::Network::Inputs InputsOf(const TrainingData& data, const std::vector<int64_t>& cells);
torch::Tensor ToTensor(const DenseMatrix& matrix, double scale);

}  // namespace unlasting::trainer
