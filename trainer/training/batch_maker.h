// BatchMaker makes the tensors of a training step: cells, noise and conditions. Included only by
// files that use LibTorch.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "core/diffusion/schedule.h"
#include "core/model/torch/network.h"
#include "core/model/torch/threads.h"
#include "trainer/data/training_data.h"
#include "trainer/settings/config.pb.h"

namespace unlasting::trainer {

// Cells of one side of a batch, in model units; B groups of cells that share their conditions.
struct BatchRows {
  // [B, share, N], [B, share, N], [B, share]: `share` cells for each row of `inputs`. x_t and t are
  // undefined for the mask model.
  torch::Tensor x_0, x_t, t;
  model::Network::Inputs inputs;

  int64_t size() const { return x_0.defined() ? x_0.size(0) : 0; }
  // The rows in `range`: one thread's share.
  BatchRows Part(model::Range range) const;
  // A copy on `device`. From pinned memory (see Pinned) nothing waits for it.
  BatchRows On(torch::Device device) const;
  // As On, never the same memory.
  BatchRows Copied(torch::Device device) const;
  // A copy in memory from which a CUDA device reads by itself.
  BatchRows Pinned() const;
};

struct Batches {
  BatchRows control;  // for the source model; empty for the mask model
  BatchRows perturbed;
};

// Stateless, so any number of threads may call it: a batch and its noise are a function of (seed,
// step), however the batch is divided among threads.
class BatchMaker {
 public:
  // The references must outlive the object.
  BatchMaker(model::NetworkKind kind, const TrainConfig& config, const TrainingData& data,
             const diffusion::Schedule& schedule);

  Batches Make(int64_t step) const;
  // Log of the noise at each time over the genes' spread, [T].
  const torch::Tensor& log_noise() const { return log_noise_; }

 private:
  // Times in a tensor of this shape.
  torch::Tensor DrawTimes(const at::Generator& random, const std::vector<int64_t>& shape) const;
  void AddNoise(const at::Generator& random, BatchRows* rows) const;
  model::Network::Inputs PerturbedInputs(const Batch& batch, const at::Generator& random) const;

  model::NetworkKind kind_;
  const TrainConfig& config_;
  const TrainingData& data_;
  torch::Tensor control_mean_;       // [cell types, N]
  torch::Tensor control_deviation_;  // [cell types, N]
  torch::Tensor alpha_bar_;          // [T]
  torch::Tensor log_noise_;          // [T], ascending
};

// Cells as rows in model units, [cells, N], and their types, [cells].
torch::Tensor RowsOf(const TrainingData& data, const std::vector<int64_t>& cells);
torch::Tensor TypesOf(const TrainingData& data, const std::vector<int64_t>& cells);
// The cell type and perturbation of each cell; the caller sets `control`.
model::Network::Inputs InputsOf(const TrainingData& data, const std::vector<int64_t>& cells);
// A copy of `matrix`, times `scale`.
torch::Tensor ToTensor(const DenseMatrix& matrix, double scale);

}  // namespace unlasting::trainer
