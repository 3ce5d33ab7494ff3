#include "core/model/torch/expected_response.h"

#include <torch/torch.h>

#include "core/model/torch/network.h"
#include "tests/support/files.h"

namespace unlasting::model {
namespace {

using torch::Tensor;

constexpr int64_t kGenes = 6;
constexpr int64_t kNodes = 8;

ModelConfig Config(int64_t molecule_features) {
  ModelConfig config;
  config.genes = kGenes;
  config.nodes = kNodes;
  config.cell_types = 2;
  config.molecule_features = molecule_features;
  config.dim = 4;
  config.hidden = 8;
  config.expected_response = true;
  return config;
}

// Genes 2, 5 and 7 and, with molecules, two drugs: the first at 0.1 and 10 uM, the second at 1 uM.
ExpectedResponse Table(const ModelConfig& config) {
  ExpectedResponse table;
  table.nodes = {2, 5, 7};
  table.drugs = torch::zeros({0, 0});
  if (config.molecule_features > 0) {
    table.drugs = torch::eye(config.molecule_features).narrow(0, 0, 2);
    table.drug = {0, 0, 1};
    table.log10_dose = {-1, 1, 0};
  }
  const auto entries = static_cast<int64_t>(4 + table.drug.size());
  torch::manual_seed(3);
  table.mean = torch::randn({2 * entries, kGenes});
  table.log_variance = 0.1 * torch::randn({2 * entries, kGenes});
  table.active_logit = torch::randn({2 * entries, kGenes});
  for (Tensor* part : {&table.mean, &table.log_variance, &table.active_logit}) {
    for (int64_t type = 0; type < 2; ++type) {
      (*part)[type * entries + 3] = part->narrow(0, type * entries, 3).mean(0);
    }
  }
  return table;
}

NetworkStatistics Statistics(const ModelConfig& config) {
  NetworkStatistics statistics;
  statistics.prior_mean = torch::zeros({2, kGenes});
  statistics.prior_deviation = torch::ones({2, kGenes});
  statistics.active_share = torch::full({2, kGenes}, 0.5);
  statistics.edge_indptr.assign(kNodes + 1, 0);
  statistics.expected_response = Table(config);
  return statistics;
}

// Of an untrained mask model the logits are those that it starts from.
class Starts {
 public:
  explicit Starts(int64_t molecule_features)
      : Starts(molecule_features, Statistics(Config(molecule_features))) {}
  Starts(int64_t molecule_features, NetworkStatistics statistics)
      : config_(Config(molecule_features)), statistics_(std::move(statistics)) {
    auto network = Network::Create(NetworkKind::kMask, config_, diffusion::Schedule(), statistics_,
                                   1, Attention::kPlain);
    EXPECT_TRUE(network.ok()) << network.status();
    network_ = std::make_unique<Network>(*std::move(network));
  }

  Network::Inputs Inputs(int64_t type, const std::vector<int64_t>& genes) const {
    Network::Inputs inputs;
    inputs.cell_type = torch::full({1}, type, torch::kInt64);
    inputs.control = torch::zeros({1, kGenes});
    inputs.knockout = torch::zeros({1, kNodes});
    for (const int64_t gene : genes) inputs.knockout[0][gene] = 1.0;
    if (config_.molecule_features > 0) {
      inputs.molecule = torch::zeros({1, config_.molecule_features});
      inputs.dose = torch::zeros({1});
    }
    return inputs;
  }
  Tensor Of(const Network::Inputs& inputs) const {
    torch::NoGradGuard no_grad;
    return network_->MaskLogits(inputs)[0];
  }
  Tensor Entry(int64_t type, int64_t entry) const {
    const Tensor& logits = statistics_.expected_response->active_logit;
    return logits[type * (logits.size(0) / 2) + entry];
  }

 private:
  ModelConfig config_;
  NetworkStatistics statistics_;
  std::unique_ptr<Network> network_;
};

void ExpectNear(const Tensor& found, const Tensor& expected) {
  EXPECT_LT((found - expected).abs().max().item<double>(), 1e-5) << found << expected;
}

TEST(ShiftTest, AGeneStandsForItselfAndAnUnknownOneForTheMean) {
  const Starts starts(0);
  for (const int64_t type : {0, 1}) {
    ExpectNear(starts.Of(starts.Inputs(type, {5})), starts.Entry(type, 1));
    ExpectNear(starts.Of(starts.Inputs(type, {0})), starts.Entry(type, 3));
    ExpectNear(starts.Of(starts.Inputs(type, {2, 7})),
               starts.Entry(type, 0) + starts.Entry(type, 2));
    ExpectNear(starts.Of(starts.Inputs(type, {2, 0})),
               starts.Entry(type, 0) + starts.Entry(type, 3));
    ExpectNear(starts.Of(starts.Inputs(type, {})), torch::zeros({kGenes}));
  }
}

TEST(ShiftTest, AHiddenGeneStandsForTheMeanOfTheOthers) {
  const Starts starts(0);
  Network::Inputs inputs = starts.Inputs(0, {5});
  inputs.hidden = torch::ones({1});
  ExpectNear(starts.Of(inputs), (starts.Entry(0, 0) + starts.Entry(0, 2)) / 2);
}

// The chain 0 -> 1 -> 3 and an edge 5 -> 3; genes 2, 5 and 7 were trained.
NetworkStatistics WithNetwork(const ModelConfig& config) {
  NetworkStatistics statistics = Statistics(config);
  statistics.edge_indptr = {0, 0, 1, 1, 3, 3, 3, 3, 3};
  statistics.edge_source = {0, 1, 5};
  GrnResponse& network = statistics.expected_response->grn.emplace();
  network.self_effect = torch::zeros({2, kNodes});
  network.self_effect.narrow(1, 0, kGenes).fill_(-2.0);
  network.self_effect[1].mul_(0.5);
  network.edge_weights = torch::tensor({0.5, -0.4, 3.0});
  network.damping = 1.5;
  network.log_variance = torch::zeros({kGenes});
  network.active_logit = torch::arange(1, kGenes + 1).to(torch::kFloat32);
  return statistics;
}

TEST(ShiftTest, WhatAnUntrainedGeneReachesTravelsAlongTheNetwork) {
  const Starts starts(0, WithNetwork(Config(0)));
  const auto beyond = [&](int64_t type, const std::vector<int64_t>& genes, const Tensor& entries) {
    return starts.Of(starts.Inputs(type, genes)) - entries;
  };
  // Gene 0 itself, gene 1 along an edge, gene 3 along two; each times its slope of the logit.
  const Tensor reached =
      torch::tensor({-2.0, 1.5 * -1.0 * 2, 0.0, 1.5 * 0.4 * 4, 0.0, 0.0}).to(torch::kFloat32);
  ExpectNear(beyond(0, {0}, starts.Entry(0, 3)), reached);
  ExpectNear(beyond(1, {0}, starts.Entry(1, 3)), 0.5 * reached);
  // A trained gene brings its own entry alone, and what is perturbed listens to nothing.
  ExpectNear(beyond(0, {5}, starts.Entry(0, 1)), torch::zeros({kGenes}));
  Tensor itself = torch::zeros({kGenes});
  itself[0] = -2.0;
  itself[1] = -2.0 * 2;
  itself[3] = 1.5 * 0.8 * 4;
  ExpectNear(beyond(0, {0, 1}, 2 * starts.Entry(0, 3)), itself);
  // Hidden in training, a trained gene is met as an untrained one.
  Network::Inputs inputs = starts.Inputs(0, {5});
  inputs.hidden = torch::ones({1});
  Tensor hidden = (starts.Entry(0, 0) + starts.Entry(0, 2)) / 2;
  hidden[5] += -2.0 * 6;
  hidden[3] += 1.5 * -6.0 * 4;
  ExpectNear(starts.Of(inputs), hidden);
}

TEST(ShiftTest, ATrainedDrugIsMetByItsOwnDosesAndAnUnknownOneByTheNearest) {
  const Starts starts(4);
  Network::Inputs inputs = starts.Inputs(1, {});
  inputs.molecule[0][0] = 3.0;  // the first drug, of another length
  for (const auto& [dose, entry] : {std::pair(-1.0, 4), std::pair(1.0, 5), std::pair(3.0, 5)}) {
    inputs.dose.fill_(dose);
    ExpectNear(starts.Of(inputs), starts.Entry(1, entry));
  }
  inputs.dose.fill_(0.0);  // as far from either
  ExpectNear(starts.Of(inputs), (starts.Entry(1, 4) + starts.Entry(1, 5)) / 2);
  inputs.dose.fill_(-1.0);
  inputs.hidden = torch::ones({1});
  ExpectNear(starts.Of(inputs), starts.Entry(1, 6));
  inputs.hidden = Tensor();
  inputs.molecule.zero_();
  inputs.molecule[0][3] = 1.0;  // like neither: the dose decides
  ExpectNear(starts.Of(inputs), (starts.Entry(1, 4) + starts.Entry(1, 6) * std::exp(-0.5 / 0.09)) /
                                    (1 + std::exp(-0.5 / 0.09)));
}

TEST(ShiftTest, AnUntrainedDenoiserPredictsTheExpectedResponse) {
  const ModelConfig config = Config(0);
  const NetworkStatistics statistics = Statistics(config);
  const diffusion::Schedule schedule;
  const auto network =
      Network::Create(NetworkKind::kDenoiser, config, schedule, statistics, 1, Attention::kPlain);
  ASSERT_OK(network);
  torch::NoGradGuard no_grad;
  Network::Inputs inputs;
  inputs.cell_type = torch::ones({1}, torch::kInt64);
  inputs.control = torch::zeros({1, kGenes});
  inputs.knockout = torch::zeros({1, kNodes});
  inputs.knockout[0][2] = 1.0;
  // Where nothing is left of x_t the posterior mean is the prior's own.
  const Tensor x0 =
      network->Denoise(torch::zeros({1, kGenes}), torch::full({1}, 499, torch::kInt64), inputs)[0];
  EXPECT_LT((x0 - statistics.expected_response->mean[4]).abs().max().item<double>(), 1e-3);
}

TEST(ShiftTest, ALargeTableIsKeptAtALowerRank) {
  ModelConfig config = Config(0);
  config.nodes = 700;
  NetworkStatistics statistics = Statistics(config);
  statistics.edge_indptr.assign(701, 0);
  ExpectedResponse& table = *statistics.expected_response;
  table.nodes.clear();
  for (int64_t node = 0; node < 600; ++node) table.nodes.push_back(node);
  torch::manual_seed(4);
  table.mean = torch::randn({2 * 601, kGenes});
  table.log_variance = torch::zeros({2 * 601, kGenes});
  table.active_logit = torch::randn({2 * 601, kGenes});
  const auto network = Network::Create(NetworkKind::kMask, config, diffusion::Schedule(),
                                       statistics, 1, Attention::kPlain);
  ASSERT_OK(network);
  EXPECT_LE(network->ToWeights<float>().at("response_basis").size(), 512 * kGenes);
  Network::Inputs inputs;
  inputs.cell_type = torch::zeros({1}, torch::kInt64);
  inputs.control = torch::zeros({1, kGenes});
  inputs.knockout = torch::zeros({1, 700});
  inputs.knockout[0][77] = 1.0;
  torch::NoGradGuard no_grad;
  // Six columns have at most six directions: nothing is lost.
  EXPECT_LT((network->MaskLogits(inputs)[0] - table.active_logit[77]).abs().max().item<double>(),
            1e-4);
}

TEST(ShiftTest, AFileWithABrokenTableIsRefused) {
  const test::TempFolder folder;
  const ModelConfig config = Config(4);
  const auto network = Network::Create(NetworkKind::kMask, config, diffusion::Schedule(),
                                       WithNetwork(config), 1, Attention::kPlain);
  ASSERT_OK(network);
  ASSERT_OK(network->Export(folder.At("mask.pt"), ExportKind::kMask));
  ASSERT_OK(Network::Load(folder.At("mask.pt"), ExportKind::kMask, config, Attention::kPlain));
  const auto refused = [&](const char* name, const Tensor& value) {
    torch::jit::Module module = torch::jit::load(folder.At("mask.pt"));
    module.setattr(name, value);
    module.save(folder.At("broken.pt"));
    const auto loaded =
        Network::Load(folder.At("broken.pt"), ExportKind::kMask, config, Attention::kPlain);
    EXPECT_EQ(loaded.status().code(), absl::StatusCode::kInvalidArgument) << name;
  };
  refused("response_nodes", torch::tensor({2, 5, 8}, torch::kInt64));
  refused("response_nodes", torch::tensor({2, 5}, torch::kInt64));
  refused("response_drug", torch::tensor({0, -1, 1}, torch::kInt64));
  refused("response_dose", torch::zeros({2}));
  refused("response_basis", torch::zeros({14, kGenes + 1}));
  refused("response_coefficients", torch::zeros({13, 14}));
  refused("response_drugs", torch::zeros({3, 2}));
  refused("response_self_effect", torch::zeros({2, kNodes + 1}));
  refused("response_of_untrained", torch::zeros({kNodes - 1}));
  refused("response_edge_weights", torch::zeros({4}));
  refused("response_damping", torch::zeros({2}));
  refused("response_gain", torch::zeros({2, kGenes}));
}

}  // namespace
}  // namespace unlasting::model
