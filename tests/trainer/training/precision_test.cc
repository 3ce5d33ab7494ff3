// What training multiplies in: bfloat16 rounds products, and nothing that a loss is measured from.
#include <gmock/gmock.h>

#include "tests/trainer/training/training_fixture.h"
#include "trainer/training/batch_maker.h"
#include "trainer/training/device.h"

namespace unlasting::trainer {
namespace {

using model::Products;
using testing::HasSubstr;
using torch::Tensor;

class PrecisionTest : public TrainingFixture {
 protected:
  // Away from the weights of a new network, many of which are zero.
  Network Shaken(NetworkKind kind) {
    Network network = NewNetwork(kind, AttentionOn(torch::kCUDA));
    torch::NoGradGuard no_grad;
    auto random = at::detail::createCPUGenerator(9);
    for (auto parameter : network.Parameters()) {
      parameter.add_(0.2 * torch::randn(parameter.sizes(), random, parameter.options()));
    }
    return network;
  }

  // Of the perturbed cells of a batch, [cells, 2]; of the mask model [cells].
  Tensor Losses(NetworkKind kind, const Network& network) const {
    const BatchRows rows = BatchMaker(kind, config_, data_, schedule_).Make(0).perturbed;
    const Tensor x_0 = rows.x_0.flatten(0, 1);
    if (kind == NetworkKind::kMask) return network.MaskLoss(x_0, rows.inputs);
    return network.DenoiserLosses(x_0, rows.x_t.flatten(0, 1), rows.t.flatten(), rows.inputs);
  }

  static Tensor Flat(const Network& network) {
    std::vector<Tensor> weights;
    for (const Tensor& weight : network.Parameters()) weights.push_back(weight.flatten());
    return torch::cat(weights);
  }

  static double RelativeError(const Tensor& found, const Tensor& expected) {
    return ((found - expected).norm() / expected.norm()).item<double>();
  }
};

TEST_F(PrecisionTest, Bf16RoundsWhatANetworkComputes) {
  for (const NetworkKind kind : {NetworkKind::kDenoiser, NetworkKind::kMask}) {
    const Network network = Shaken(kind);
    const Tensor expected = Losses(kind, network);
    const Tensor found = Losses(kind, network.Multiplying(Products::kBf16));
    EXPECT_EQ(found.scalar_type(), torch::kFloat32);
    EXPECT_LT(RelativeError(found, expected), 0.01);
    EXPECT_FALSE(torch::equal(found, expected)) << "nothing was rounded";
  }
}

TEST_F(PrecisionTest, Bf16LeavesTheExpectedResponseAndTheSkipAsTheyAre) {
  const Network network = Shaken(NetworkKind::kDenoiser);
  const Tensor expected = Losses(NetworkKind::kDenoiser, network);
  const Tensor found = Losses(NetworkKind::kDenoiser, network.Multiplying(Products::kBf16));
  EXPECT_TRUE(torch::equal(found.select(1, 1), expected.select(1, 1)));
}

TEST_F(PrecisionTest, Bf16GradientsAreThoseOfFloat32NearlyEverywhere) {
  for (const NetworkKind kind : {NetworkKind::kDenoiser, NetworkKind::kMask}) {
    const Network network = Shaken(kind);
    const auto gradients = [&](const Network& of) {
      const Tensor losses = Losses(kind, of);
      const Tensor loss = kind == NetworkKind::kMask ? losses.mean() : losses.select(1, 0).mean();
      return torch::autograd::grad({loss}, of.Parameters(), {}, false, false, true);
    };
    const auto expected = gradients(network.Multiplying(Products::kFloat32));
    const auto found = gradients(network.Multiplying(Products::kBf16));
    std::vector<Tensor> a, b;
    for (size_t k = 0; k < expected.size(); ++k) {
      ASSERT_EQ(found[k].defined(), expected[k].defined()) << k;
      if (!found[k].defined()) continue;
      ASSERT_EQ(found[k].scalar_type(), torch::kFloat32) << k;
      a.push_back(found[k].flatten());
      b.push_back(expected[k].flatten());
    }
    EXPECT_LT(RelativeError(torch::cat(a), torch::cat(b)), 0.02);
  }
}

TEST_F(PrecisionTest, Bf16LearnsWhatFloat32Does) {
  config_.set_log_every(1);
  for (const NetworkKind kind : {NetworkKind::kDenoiser, NetworkKind::kMask}) {
    struct Run {
      double first, last;  // mean losses
      Tensor weights;
    };
    const auto run = [&](Products products) {
      constexpr size_t kSteps = 60, kMean = 20;
      const char* name = kind == NetworkKind::kDenoiser ? "loss" : "mask_loss";
      std::vector<double> losses;
      Network network = NewNetwork(kind, AttentionOn(torch::kCUDA));
      TrainingTask task = Task(kind, kSteps);
      task.products = products;
      task.log = [&](const nlohmann::json& line) { losses.push_back(line.at(name)); };
      EXPECT_OK(Train(task, &network));
      EXPECT_EQ(losses.size(), kSteps);
      Run result = {0, 0, Flat(network)};
      for (size_t k = 0; k < kMean; ++k) {
        result.first += losses[k] / kMean;
        result.last += losses[kSteps - kMean + k] / kMean;
      }
      return result;
    };
    const Run expected = run(Products::kFloat32), found = run(Products::kBf16);
    EXPECT_FALSE(torch::equal(found.weights, expected.weights)) << "nothing was rounded";
    EXPECT_GT(expected.first, 1.1 * expected.last) << "nothing was learnt";
    EXPECT_NEAR(found.last, expected.last, 0.02 * expected.last);
  }
}

// Predictions are float32's, whatever a network was trained in.
TEST_F(PrecisionTest, ScoresAreOfFloat32Products) {
  config_.set_score_every(4);
  const auto first_score = [&](Products products) {
    nlohmann::json score;
    TrainingTask task = Task(NetworkKind::kDenoiser, 4);
    task.products = products;
    task.log = [&](const nlohmann::json& line) {
      if (line.contains("held_out_emd") && line.at("step") == 0) score = line;
    };
    Network network = Shaken(NetworkKind::kDenoiser);
    EXPECT_OK(Train(task, &network));
    return score;
  };
  const nlohmann::json expected = first_score(Products::kFloat32);
  ASSERT_FALSE(expected.is_null());
  EXPECT_EQ(first_score(Products::kBf16), expected);
}

TEST_F(PrecisionTest, TheCpuRefusesWhatItDoesNotHave) {
  for (const char* precision : {"tf32", "bf16"}) {
    const absl::Status status = CheckPrecision(precision, torch::kCPU);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(status.message()),
                HasSubstr(absl::StrCat("precision: found '", precision, "', expected float32")));
    EXPECT_OK(CheckPrecision(precision, torch::Device(torch::kCUDA, 0)));
  }
  EXPECT_OK(CheckPrecision("float32", torch::kCPU));
}

}  // namespace
}  // namespace unlasting::trainer
