#include "trainer/training/adamw.h"

#include <algorithm>
#include <cmath>

namespace unlasting::trainer {
namespace {

using torch::Tensor;

constexpr double kBeta1 = 0.9, kBeta2 = 0.999, kEpsilon = 1e-8;

std::vector<Tensor> GradientsOf(const std::vector<Tensor>& weights) {
  std::vector<Tensor> gradients;
  for (const Tensor& weight : weights) gradients.push_back(weight.grad());
  return gradients;
}

}  // namespace

AdamWMoments::AdamWMoments(const std::vector<Tensor>& weights) {
  for (const Tensor& weight : weights) {
    means.push_back(torch::zeros_like(weight.detach()));
    squares.push_back(torch::zeros_like(weight.detach()));
  }
}

void ClipGradients(const std::vector<Tensor>& weights, double largest) {
  torch::NoGradGuard no_grad;
  const std::vector<Tensor> gradients = GradientsOf(weights);
  const Tensor norm = torch::stack(at::_foreach_norm(gradients, 2)).norm(2);
  at::_foreach_mul_(gradients, (largest / (norm + 1e-6)).clamp_max(1.0).item());
}

void StepAdamW(const std::vector<Tensor>& weights, double learning_rate, double weight_decay,
               int64_t step, AdamWMoments* moments) {
  torch::NoGradGuard no_grad;
  const std::vector<Tensor> gradients = GradientsOf(weights);
  const double correction1 = 1 - std::pow(kBeta1, step), correction2 = 1 - std::pow(kBeta2, step);
  at::_foreach_mul_(weights, 1 - learning_rate * weight_decay);
  at::_foreach_mul_(moments->means, kBeta1);
  at::_foreach_add_(moments->means, gradients, 1 - kBeta1);
  at::_foreach_mul_(moments->squares, kBeta2);
  at::_foreach_addcmul_(moments->squares, gradients, gradients, 1 - kBeta2);
  const std::vector<Tensor> scales = at::_foreach_sqrt(moments->squares);
  at::_foreach_div_(scales, std::sqrt(correction2));
  at::_foreach_add_(scales, kEpsilon);
  at::_foreach_addcdiv_(weights, moments->means, scales, -learning_rate / correction1);
}

void UpdateAverage(double decay, const std::vector<Tensor>& weights, std::vector<Tensor>* average) {
  torch::NoGradGuard no_grad;
  at::_foreach_mul_(*average, decay);
  at::_foreach_add_(*average, weights, 1 - decay);
}

}  // namespace unlasting::trainer
