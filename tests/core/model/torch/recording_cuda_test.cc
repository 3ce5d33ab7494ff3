// A training step of a network on a device: against the CPU's, and recorded against itself.
#include "core/model/torch/network.h"
#include "core/model/torch/recording.h"
#include "tests/support/files.h"

namespace unlasting::model {
namespace {

using torch::Tensor;

constexpr int64_t kRows = 6;

class RecordingCudaTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!torch::cuda::is_available()) GTEST_SKIP() << "no CUDA device";
    config_.genes = 150;
    config_.nodes = 157;
    config_.cell_types = 2;
    config_.molecule_features = 4;
    config_.dim = 64;
    config_.hidden = 96;
  }

  Network NewNetwork(NetworkKind kind) const {
    torch::manual_seed(5);
    NetworkStatistics statistics;
    statistics.prior_mean = torch::rand({2, config_.genes});
    statistics.prior_deviation = torch::rand({2, config_.genes}) * 0.2 + 0.05;
    statistics.active_share = torch::rand({2, config_.genes}) * 0.8 + 0.1;
    statistics.edge_indptr = {0};
    for (int64_t i = 0; i < config_.nodes; ++i) {
      for (int64_t k = 0; k < i % 9; ++k) {
        statistics.edge_source.push_back((i * 5 + 3 * k + 2) % config_.nodes);
      }
      statistics.edge_indptr.push_back(static_cast<int64_t>(statistics.edge_source.size()));
    }
    Network network =
        *Network::Create(kind, config_, diffusion::Schedule(), statistics, 7, Attention::kOperator);
    torch::NoGradGuard no_grad;
    auto random = at::detail::createCPUGenerator(9);
    for (auto parameter : network.Parameters()) {
      parameter.add_(0.1 * torch::randn(parameter.sizes(), random, parameter.options()));
    }
    return network;
  }

  struct Rows {
    Tensor x_0, x_t, t;
    Network::Inputs inputs;
  };
  Rows NewRows(torch::Device device, int64_t seed) const {
    torch::manual_seed(seed);
    Rows rows;
    rows.x_0 = torch::rand({kRows, config_.genes}).to(device);
    rows.x_t = torch::randn({kRows, config_.genes}).to(device);
    rows.t = torch::randint(0, 500, {kRows}, torch::kInt64).to(device);
    rows.inputs.cell_type = torch::randint(0, 2, {kRows}, torch::kInt64).to(device);
    rows.inputs.control = torch::rand({kRows, config_.genes}).to(device);
    rows.inputs.knockout = torch::rand({kRows, config_.nodes}).lt(0.02).to(torch::kFloat32);
    rows.inputs.knockout = rows.inputs.knockout.to(device);
    rows.inputs.molecule = torch::rand({kRows, 4}).to(device);
    rows.inputs.dose = torch::randn({kRows}).to(device);
    return rows;
  }

  // The loss, and the gradient of each weight.
  static std::vector<Tensor> Step(NetworkKind kind, const Network& network, const Rows& rows) {
    const Tensor loss = kind == NetworkKind::kMask
                            ? network.MaskLoss(rows.x_0, rows.inputs).sum()
                            : network.DenoiserLoss(rows.x_0, rows.x_t, rows.t, rows.inputs).sum();
    std::vector<Tensor> results =
        torch::autograd::grad({loss}, network.Parameters(), {}, false, false, true);
    results.push_back(loss.detach());
    return results;
  }

  ModelConfig config_;
};

TEST_F(RecordingCudaTest, AStepOnADeviceIsTheCpus) {
  for (const NetworkKind kind : {NetworkKind::kDenoiser, NetworkKind::kMask}) {
    Network network = NewNetwork(kind);
    const auto expected = Step(kind, network, NewRows(torch::kCPU, 1));
    network.To(torch::kCUDA);
    const auto found = Step(kind, network, NewRows(torch::kCUDA, 1));
    for (size_t k = 0; k < expected.size(); ++k) {
      ASSERT_EQ(found[k].defined(), expected[k].defined()) << k;
      if (!found[k].defined()) continue;
      const double size = std::max(1.0, expected[k].abs().max().item<double>());
      EXPECT_LT((found[k].to(torch::kCPU) - expected[k]).abs().max().item<double>() / size, 1e-4)
          << k;
    }
  }
}

TEST_F(RecordingCudaTest, ARecordedStepGivesTheBitsOfOneThatIsNot) {
  for (const NetworkKind kind : {NetworkKind::kDenoiser, NetworkKind::kMask}) {
    for (const Products products : {Products::kFloat32, Products::kBf16}) {
      Network made = NewNetwork(kind);
      made.To(torch::kCUDA);
      const Network network = made.Multiplying(products);
      Rows rows = NewRows(torch::kCUDA, 1);
      std::vector<Tensor> found;
      const Recorder record = CudaRecorder(torch::Device(torch::kCUDA, 0));
      const auto recording = record([&] { found = Step(kind, network, rows); });
      for (const int64_t seed : {2, 3}) {
        const Rows other = NewRows(torch::kCUDA, seed);
        rows.x_0.copy_(other.x_0);
        rows.x_t.copy_(other.x_t);
        rows.t.copy_(other.t);
        rows.inputs.control.copy_(other.inputs.control);
        rows.inputs.knockout.copy_(other.inputs.knockout);
        recording->Replay();
        std::vector<Tensor> copies;
        for (const Tensor& tensor : found) {
          copies.push_back(tensor.defined() ? tensor.clone() : tensor);
        }
        const auto expected = Step(kind, network, rows);
        for (size_t k = 0; k < expected.size(); ++k) {
          ASSERT_EQ(copies[k].defined(), expected[k].defined()) << k;
          if (expected[k].defined()) EXPECT_TRUE(torch::equal(copies[k], expected[k])) << k;
        }
      }
    }
  }
}

}  // namespace
}  // namespace unlasting::model
