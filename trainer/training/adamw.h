// What follows the gradients of a training step: clipping, AdamW and the moving average. Each takes
// all weights in a few operations on lists, which a device runs as a few kernels, where LibTorch's
// own take a dozen for every weight. On the CPU the numbers are LibTorch's to the bit. Included
// only by files that use LibTorch.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

namespace unlasting::trainer {

// Of the gradients of AdamW's weights; 0 before the first step.
struct AdamWMoments {
  explicit AdamWMoments(const std::vector<torch::Tensor>& weights);

  std::vector<torch::Tensor> means;
  std::vector<torch::Tensor> squares;
};

// Scales the weights' gradients so that their norm, all together, is at most `largest`. Each weight
// has a gradient.
void ClipGradients(const std::vector<torch::Tensor>& weights, double largest);

// AdamW (Loshchilov and Hutter 2019, algorithm 2) along the weights' gradients, with betas of .9
// and .999. `step` counts from 1.
void StepAdamW(const std::vector<torch::Tensor>& weights, double learning_rate, double weight_decay,
               int64_t step, AdamWMoments* moments);

// average <- decay average + (1 - decay) weights.
void UpdateAverage(double decay, const std::vector<torch::Tensor>& weights,
                   std::vector<torch::Tensor>* average);

}  // namespace unlasting::trainer
