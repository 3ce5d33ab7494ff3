// The operators' derivatives against autograd through plain tensor operations.
#include <torch/torch.h>

#include <functional>

#include "core/model/torch/network.h"
#include "tests/support/files.h"

namespace unlasting::model {
namespace {

using torch::Tensor;

NetworkStatistics Statistics(const ModelConfig& config) {
  torch::manual_seed(5);
  NetworkStatistics statistics;
  statistics.prior_mean = torch::rand({config.cell_types, config.genes});
  statistics.prior_deviation = torch::rand({config.cell_types, config.genes}) * 0.2 + 0.05;
  statistics.active_share = torch::rand({config.cell_types, config.genes}) * 0.8 + 0.1;
  statistics.edge_indptr = {0};
  // Nodes without sources, a hub, repeated sources.
  for (int64_t i = 0; i < config.nodes; ++i) {
    const int64_t degree = i == 7 ? 200 : i % 6;
    for (int64_t k = 0; k < degree; ++k) {
      statistics.edge_source.push_back((i * 5 + 3 * k + 2) % config.nodes);
    }
    statistics.edge_indptr.push_back(static_cast<int64_t>(statistics.edge_source.size()));
  }
  return statistics;
}

std::vector<Tensor> Gradients(NetworkKind kind, const ModelConfig& config, Attention attention) {
  auto network =
      *Network::Create(kind, config, diffusion::Schedule(), Statistics(config), 7, attention);
  network.To(torch::kFloat64);
  {
    torch::NoGradGuard no_grad;
    auto random = at::detail::createCPUGenerator(9);
    for (auto parameter : network.Parameters()) {
      parameter.add_(0.1 * torch::randn(parameter.sizes(), random, parameter.options()));
    }
  }
  torch::manual_seed(6);
  const int64_t rows = 5;
  const auto type = torch::kFloat64;
  Network::Inputs inputs;
  inputs.cell_type = torch::randint(0, config.cell_types, {rows}, torch::kInt64);
  inputs.control = torch::rand({rows, config.genes}, type);
  inputs.knockout = torch::zeros({rows, config.nodes}, type);
  for (int64_t k = 0; k < rows; ++k) inputs.knockout[k][(3 * k) % config.nodes] = 1.0;
  if (config.molecule_features > 0) {
    inputs.molecule = torch::rand({rows, config.molecule_features}, type);
    inputs.dose = torch::randn({rows}, type);
  }
  const Tensor x_0 = torch::rand({rows, config.genes}, type).gt(0.5).to(type);
  const Tensor x_t = torch::randn({rows, config.genes}, type);
  const Tensor t = torch::randint(0, 500, {rows}, torch::kInt64);
  const Tensor loss = kind == NetworkKind::kDenoiser
                          ? network.DenoiserLoss(x_0, x_t, t, inputs).sum()
                          : network.MaskLoss(x_0, inputs).sum();
  const auto parameters = network.Parameters();
  auto gradients = torch::autograd::grad({loss}, parameters, {}, false, false, true);
  for (size_t k = 0; k < gradients.size(); ++k) {
    if (!gradients[k].defined()) gradients[k] = torch::zeros_like(parameters[k]);
  }
  return gradients;
}

TEST(GradientTest, OperatorsGiveAutogradsDerivativesOfEveryWeight) {
  const std::vector<std::pair<std::string, std::function<void(ModelConfig*)>>> cases = {
      {"as it is", [](ModelConfig*) {}},
      {"no residual", [](ModelConfig* c) { c->residual = false; }},
      {"static", [](ModelConfig* c) { c->grn_inputs = "static"; }},
      {"genes only", [](ModelConfig* c) { c->molecule_features = 0; }},
      {"width 64", [](ModelConfig* c) { c->dim = 64; }},
      {"width 70", [](ModelConfig* c) { c->dim = 70; }},
      {"one head", [](ModelConfig* c) { c->heads = 1; }},
      {"three heads", [](ModelConfig* c) { c->heads = 3; }}};
  for (const auto& [what, change] : cases) {
    ModelConfig config;
    config.genes = 65;
    config.nodes = 67;
    config.cell_types = 2;
    config.molecule_features = 4;
    config.dim = 12;
    config.hidden = 24;
    change(&config);
    for (const NetworkKind kind : {NetworkKind::kDenoiser, NetworkKind::kMask}) {
      const auto expected = Gradients(kind, config, Attention::kPlain);
      for (const Attention attention : {Attention::kFused, Attention::kOperator}) {
        const auto found = Gradients(kind, config, attention);
        ASSERT_EQ(found.size(), expected.size());
        for (size_t k = 0; k < expected.size(); ++k) {
          const double size = std::max(1.0, expected[k].abs().max().item<double>());
          EXPECT_LT((found[k] - expected[k]).abs().max().item<double>() / size, 1e-9)
              << what << ", weight " << k;
        }
      }
    }
  }
}

}  // namespace
}  // namespace unlasting::model
