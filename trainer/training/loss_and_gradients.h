// LossAndGradients computes a training step's loss and its gradients on all threads. Included only
// by files that use LibTorch.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "trainer/training/batch_maker.h"
#include "trainer/training/loss_by_noise.h"
#include "trainer/training/recorded_steps.h"
#include "trainer/training/training_task.h"

namespace unlasting::trainer {

// Returns this rank's part of the batch's mean loss, adds its cells to `by_noise` and
// leaves its gradients in the weights' `grad`. Each thread differentiates its share of the rows;
// shares are summed in order, so that a run repeats to the bit. With `recorded` (may be null) the
// rank's share is one recording; network and weights are then the same each time.
double LossAndGradients(const TrainingTask& task, const model::Network& network,
                        const Batches& batch, const std::vector<torch::Tensor>& weights,
                        const torch::Tensor& log_noise, RecordedSteps* recorded,
                        LossByNoise* by_noise);

}  // namespace unlasting::trainer
