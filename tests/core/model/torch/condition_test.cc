// The condition vector, and cells that share a row's conditions.
#include <torch/torch.h>

#include "core/model/torch/network.h"
#include "tests/support/files.h"

namespace unlasting::model {
namespace {

using torch::Tensor;

constexpr int64_t kGenes = 9;
constexpr int64_t kNodes = 11;

ModelConfig Config() {
  ModelConfig config;
  config.genes = kGenes;
  config.nodes = kNodes;
  config.cell_types = 2;
  config.dim = 6;
  config.hidden = 16;
  config.expected_response = true;
  config.condition = 5;
  return config;
}

// Genes 2 and 10 were trained; gene 4 was not.
Network MakeNetwork(const ModelConfig& config) {
  torch::manual_seed(5);
  NetworkStatistics statistics;
  statistics.prior_mean = torch::rand({2, kGenes});
  statistics.prior_deviation = torch::rand({2, kGenes}) * 0.2 + 0.05;
  statistics.active_share = torch::rand({2, kGenes}) * 0.8 + 0.1;
  // No edges: a knocked-out node says nothing to another.
  statistics.edge_indptr.assign(kNodes + 1, 0);
  ExpectedResponse& table = statistics.expected_response.emplace();
  table.nodes = {2, 10};
  table.drugs = torch::zeros({0, 0});
  table.mean = 0.1 * torch::randn({2 * 3, kGenes});
  table.log_variance = 0.1 * torch::randn({2 * 3, kGenes});
  table.active_logit = torch::randn({2 * 3, kGenes});
  auto network = Network::Create(NetworkKind::kDenoiser, config, diffusion::Schedule(), statistics,
                                 7, Attention::kFused);
  EXPECT_TRUE(network.ok()) << network.status();
  torch::NoGradGuard no_grad;
  auto random = at::detail::createCPUGenerator(9);
  for (auto parameter : network->Parameters()) {
    parameter.add_(0.2 * torch::randn(parameter.sizes(), random, parameter.options()));
  }
  return *std::move(network);
}

Tensor Parameter(const Network& network, const std::string& name) {
  const auto names = network.ParameterNames();
  const auto at = std::find(names.begin(), names.end(), name) - names.begin();
  return network.Parameters().at(at);
}

Network::Inputs InputsOf(int64_t rows, int64_t gene) {
  torch::manual_seed(6);
  Network::Inputs inputs;
  inputs.cell_type = torch::arange(rows).remainder(2);
  inputs.control = torch::rand({rows, kGenes});
  inputs.knockout = torch::zeros({rows, kNodes});
  inputs.knockout.select(1, gene).fill_(1.0);
  return inputs;
}

double Difference(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }

// `share` cells for each of `rows`, one after the other.
struct Cells {
  Cells(int64_t rows, int64_t share)
      : x_0(torch::rand({rows * share, kGenes})),
        x_t(torch::randn({rows * share, kGenes})),
        t(torch::randint(0, 500, {rows * share}, torch::kInt64)) {}
  Tensor x_0, x_t, t;
};

TEST(ConditionTest, EveryGeneHearsAPerturbationWithoutAnEdgeToIt) {
  torch::NoGradGuard no_grad;
  ModelConfig config = Config();
  config.trained_from_control = true;
  const Network network = MakeNetwork(config);
  // The cell type embedding of known and unknown perturbations is the same here, and the gene's own
  // node is not measured: what differs comes from the condition vector alone.
  const Tensor x = torch::randn({2, kGenes}), t = torch::full({2}, 40, torch::kInt64);
  Network::Inputs inputs = InputsOf(2, 10);
  const Tensor heard = network.Denoise(x, t, inputs);
  Parameter(network, "block_condition").zero_();
  Parameter(network, "decoder_condition").zero_();
  const Tensor unheard = network.Denoise(x, t, inputs);
  EXPECT_GT((heard - unheard).abs().min().item<double>(), 0.0);
}

TEST(ConditionTest, TrainedPerturbationsMayStartFromTheControlAndOthersFromTheirResponse) {
  torch::NoGradGuard no_grad;
  ModelConfig config = Config();
  const Network by_response = MakeNetwork(config);
  config.trained_from_control = true;
  const Network mixed = MakeNetwork(config);
  // Without an output of the network's own, only the skip is left.
  for (const Network* network : {&by_response, &mixed}) {
    Parameter(*network, "decoder_out").zero_();
    Parameter(*network, "decoder_out_bias").zero_();
  }
  const Tensor x = torch::randn({2, kGenes}), t = torch::full({2}, 40, torch::kInt64);
  Network::Inputs source;
  source.cell_type = torch::arange(2);
  const Tensor control = mixed.Denoise(x, t, source);
  const Network::Inputs trained = InputsOf(2, 10), untrained = InputsOf(2, 4);
  Network::Inputs pair = InputsOf(2, 10);
  pair.knockout.select(1, 2).fill_(1.0);
  EXPECT_EQ(Difference(mixed.Denoise(x, t, trained), control), 0.0);
  for (const Network::Inputs& inputs : {pair, untrained}) {
    EXPECT_EQ(Difference(mixed.Denoise(x, t, inputs), by_response.Denoise(x, t, inputs)), 0.0);
    EXPECT_GT(Difference(mixed.Denoise(x, t, inputs), control), 1e-4);
  }
}

TEST(ConditionTest, ControlCellsHaveNone) {
  torch::NoGradGuard no_grad;
  const Network network = MakeNetwork(Config());
  const Tensor x = torch::randn({2, kGenes}), t = torch::full({2}, 40, torch::kInt64);
  Network::Inputs source;
  source.cell_type = torch::arange(2);
  const Tensor before = network.Denoise(x, t, source);
  Parameter(network, "block_condition").zero_();
  EXPECT_EQ(Difference(before, network.Denoise(x, t, source)), 0.0);
}

TEST(ConditionTest, AnAnonymousRowIsToldItsResponseAlone) {
  torch::NoGradGuard no_grad;
  const Network network = MakeNetwork(Config());
  const Cells cells(3, 1);
  Network::Inputs inputs = InputsOf(3, 2);
  const auto losses = [&] {
    return network.DenoiserLoss(cells.x_0, cells.x_t, cells.t, inputs).clone();
  };
  const Tensor named = losses();
  inputs.anonymous = torch::tensor({1.0f, 0.0f, 1.0f});
  const Tensor mixed = losses();
  EXPECT_GT((mixed - named).abs()[0].item<double>(), 0.0);
  EXPECT_EQ((mixed - named).abs()[1].item<double>(), 0.0);
  // With the embedding gone, named rows are anonymous ones.
  Parameter(network, "condition_gene").zero_();
  inputs.anonymous = Tensor();
  EXPECT_LT((losses() - mixed).abs()[2].item<double>(), 1e-6);
}

TEST(ConditionTest, GenesThatTrainingNeverPerturbedKeepAnEmptyEmbedding) {
  auto network = *Network::Create(
      NetworkKind::kDenoiser, Config(), diffusion::Schedule(),
      [] {
        NetworkStatistics statistics;
        statistics.prior_mean = torch::zeros({2, kGenes});
        statistics.prior_deviation = torch::ones({2, kGenes});
        statistics.active_share = torch::full({2, kGenes}, 0.5);
        statistics.edge_indptr.assign(kNodes + 1, 0);
        ExpectedResponse& table = statistics.expected_response.emplace();
        table.nodes = {2};
        table.drugs = torch::zeros({0, 0});
        table.mean = table.log_variance = table.active_logit = torch::randn({2 * 2, kGenes});
        return statistics;
      }(),
      7, Attention::kFused);
  const Cells cells(2, 1);
  // The last layer starts at 0 and would stop the gradient.
  torch::NoGradGuard no_grad;
  Parameter(network, "decoder_out").fill_(0.1);
  torch::AutoGradMode with_gradients(true);
  network.DenoiserLoss(cells.x_0, cells.x_t, cells.t, InputsOf(2, 2)).sum().backward();
  const Tensor embedding = Parameter(network, "condition_gene");
  EXPECT_EQ(embedding.abs().sum().item<double>(), 0.0);
  const Tensor gradient = embedding.grad().abs().sum(1);
  EXPECT_GT(gradient[2].item<double>(), 0.0);
  EXPECT_EQ(gradient[4].item<double>(), 0.0);
}

TEST(ConditionTest, CellsThatShareARowAreLikeRowsOfTheirOwn) {
  torch::NoGradGuard no_grad;
  for (const char* recipe : {"preconditioned", "paper"}) {
    for (const char* grn_inputs : {"static", "paper"}) {
      ModelConfig config = Config();
      config.recipe = recipe;
      config.grn_inputs = grn_inputs;
      if (config.recipe == "paper") config.expected_response = false, config.condition = 0;
      const Network network = MakeNetwork(config);
      const Cells cells(3, 4);
      Network::Inputs target = InputsOf(3, 10), source;
      source.cell_type = target.cell_type;
      for (const Network::Inputs& inputs : {target, source}) {
        const Tensor together = network.DenoiserLosses(cells.x_0, cells.x_t, cells.t, inputs);
        ASSERT_EQ(together.sizes(), (std::vector<int64_t>{12, 2}));
        for (int64_t row = 0; row < 3; ++row) {
          for (int64_t k = 0; k < 4; ++k) {
            Network::Inputs one;
            one.cell_type = inputs.cell_type.narrow(0, row, 1);
            if (inputs.control.defined()) {
              one.control = inputs.control.narrow(0, row, 1);
              one.knockout = inputs.knockout.narrow(0, row, 1);
            }
            const int64_t at = 4 * row + k;
            const Tensor alone =
                network.DenoiserLosses(cells.x_0.narrow(0, at, 1), cells.x_t.narrow(0, at, 1),
                                       cells.t.narrow(0, at, 1), one)[0];
            const Tensor error = (together[at] - alone).abs() / (1 + alone.abs());
            EXPECT_LT(error.max().item<double>(), 1e-5) << recipe << ", " << grn_inputs;
          }
        }
      }
    }
  }
}

TEST(ConditionTest, ASilentNetworkLosesWhatTheSkipLoses) {
  torch::NoGradGuard no_grad;
  const Network network = MakeNetwork(Config());
  Parameter(network, "decoder_out").zero_();
  Parameter(network, "decoder_out_bias").zero_();
  const Cells cells(4, 2);
  const Tensor losses = network.DenoiserLosses(cells.x_0, cells.x_t, cells.t, InputsOf(4, 2));
  EXPECT_EQ(Difference(losses.select(1, 0), losses.select(1, 1)), 0.0);
  EXPECT_GT(losses.min().item<double>(), 0.0);
}

TEST(ConditionTest, BadConfigurationsAreRefused) {
  ModelConfig config = Config();
  config.expected_response = false;
  EXPECT_NE(config.Validate().message().find("condition"), absl::string_view::npos);
  config = Config();
  config.condition = 0;
  EXPECT_OK(config.Validate());
  config.trained_from_control = true;
  EXPECT_NE(config.Validate().message().find("trained_from_control"), absl::string_view::npos);
  config = Config();
  config.condition = -1;
  EXPECT_NE(config.Validate().message().find("condition"), absl::string_view::npos);
}

TEST(ConditionTest, ConfigurationsFromBeforeHaveNone) {
  nlohmann::json json = Config().ToJson();
  json.erase("condition");
  json.erase("trained_from_control");
  const auto config = ModelConfig::FromJson(json);
  ASSERT_OK(config);
  EXPECT_EQ(config->condition, 0);
  EXPECT_FALSE(config->trained_from_control);
}

}  // namespace
}  // namespace unlasting::model
