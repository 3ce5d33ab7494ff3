// The steps on lists against LibTorch's own, weight by weight.
#include "trainer/training/adamw.h"

#include <torch/torch.h>

#include "gtest/gtest.h"

namespace unlasting::trainer {
namespace {

using torch::Tensor;

std::vector<Tensor> Weights() {
  torch::manual_seed(5);
  std::vector<Tensor> weights;
  for (const std::vector<int64_t>& shape :
       {std::vector<int64_t>{}, {7}, {3, 4}, {2, 5, 6}, {40, 33}}) {
    weights.push_back(torch::randn(shape).requires_grad_(true));
  }
  return weights;
}

std::vector<Tensor> CopiesOf(const std::vector<Tensor>& weights) {
  std::vector<Tensor> copies;
  for (const Tensor& weight : weights) {
    copies.push_back(weight.detach().clone().requires_grad_(weight.requires_grad()));
  }
  return copies;
}

void Draw(double scale, const std::vector<Tensor>& weights, const std::vector<Tensor>& same) {
  for (size_t k = 0; k < weights.size(); ++k) {
    const Tensor gradient = scale * torch::randn(weights[k].sizes());
    Tensor one = weights[k], other = same[k];
    one.mutable_grad() = gradient;
    other.mutable_grad() = gradient.clone();
  }
}

void ExpectEqual(const std::vector<Tensor>& expected, const std::vector<Tensor>& found) {
  for (size_t k = 0; k < expected.size(); ++k) {
    EXPECT_TRUE(torch::equal(expected[k], found[k])) << "weight " << k;
  }
}

TEST(AdamWTest, TakesTheStepsOfLibTorchToTheBit) {
  const std::vector<Tensor> weights = Weights(), theirs = CopiesOf(weights);
  AdamWMoments moments(weights);
  torch::optim::AdamW optimizer(theirs, torch::optim::AdamWOptions(0.1).weight_decay(0.03));
  for (int64_t step = 1; step <= 20; ++step) {
    const double rate = 0.1 / static_cast<double>(step);
    Draw(1.0, weights, theirs);
    for (auto& group : optimizer.param_groups()) {
      static_cast<torch::optim::AdamWOptions&>(group.options()).lr(rate);
    }
    optimizer.step();
    StepAdamW(weights, rate, 0.03, step, &moments);
    ExpectEqual(theirs, weights);
  }
}

TEST(AdamWTest, ClipsGradientsAsLibTorchAndLeavesSmallOnes) {
  const std::vector<Tensor> weights = Weights(), theirs = CopiesOf(weights);
  for (const double scale : {1e-3, 1.0, 1e4}) {
    Draw(scale, weights, theirs);
    const Tensor before = weights.back().grad().clone();
    torch::nn::utils::clip_grad_norm_(theirs, 1.5);
    ClipGradients(weights, 1.5);
    for (size_t k = 0; k < weights.size(); ++k) {
      EXPECT_TRUE(torch::equal(theirs[k].grad(), weights[k].grad())) << scale << ", weight " << k;
    }
    EXPECT_EQ(torch::equal(before, weights.back().grad()), scale < 1);
  }
}

TEST(AdamWTest, AveragesWhatItIsGiven) {
  const std::vector<Tensor> weights = Weights();
  std::vector<Tensor> average = CopiesOf(weights), expected = CopiesOf(weights);
  torch::NoGradGuard no_grad;
  for (size_t k = 0; k < weights.size(); ++k) {
    average[k].fill_(2.0);
    expected[k] = 0.75 * 2.0 + 0.25 * weights[k];
  }
  UpdateAverage(0.75, weights, &average);
  for (size_t k = 0; k < weights.size(); ++k) {
    EXPECT_TRUE(torch::allclose(expected[k], average[k], 1e-6, 1e-6));
  }
}

}  // namespace
}  // namespace unlasting::trainer
