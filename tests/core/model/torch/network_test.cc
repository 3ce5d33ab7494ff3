#include "core/model/torch/network.h"

#include <torch/torch.h>

#include "tests/support/files.h"

namespace unlasting::model {
namespace {

using torch::Tensor;

constexpr int64_t kGenes = 11;
constexpr int64_t kNodes = 13;

ModelConfig SmallConfig(int64_t molecule_features) {
  ModelConfig config;
  config.genes = kGenes;
  config.nodes = kNodes;
  config.cell_types = 3;
  config.molecule_features = molecule_features;
  config.dim = 6;
  config.hidden = 16;
  return config;
}

NetworkStatistics SmallStatistics() {
  torch::manual_seed(5);
  NetworkStatistics statistics;
  statistics.prior_mean = torch::rand({3, kGenes});
  statistics.prior_deviation = torch::rand({3, kGenes}) * 0.2 + 0.05;
  statistics.active_share = torch::rand({3, kGenes}) * 0.8 + 0.1;
  statistics.edge_indptr = {0};
  for (int64_t i = 0; i < kNodes; ++i) {
    statistics.edge_source.push_back(i);
    statistics.edge_source.push_back((i * 5 + 2) % kNodes);
    statistics.edge_indptr.push_back(static_cast<int64_t>(statistics.edge_source.size()));
  }
  return statistics;
}

Network MakeNetwork(NetworkKind kind, const ModelConfig& config, Attention attention) {
  auto network =
      Network::Create(kind, config, diffusion::Schedule(), SmallStatistics(), 7, attention);
  EXPECT_TRUE(network.ok()) << network.status();
  torch::NoGradGuard no_grad;
  auto random = at::detail::createCPUGenerator(9);
  for (auto parameter : network->Parameters()) {
    parameter.add_(0.2 * torch::randn(parameter.sizes(), random, parameter.options()));
  }
  return *std::move(network);
}

Network::Inputs MakeInputs(int64_t rows, int64_t molecule_features) {
  torch::manual_seed(6);
  Network::Inputs inputs;
  inputs.cell_type = torch::randint(0, 3, {rows}, torch::kInt64);
  inputs.control = torch::rand({rows, kGenes});
  inputs.knockout = torch::zeros({rows, kNodes});
  for (int64_t k = 0; k < rows; ++k) inputs.knockout[k][(3 * k) % kNodes] = 1.0;
  if (molecule_features > 0) {
    inputs.molecule = torch::rand({rows, molecule_features});
    inputs.dose = torch::randn({rows});
  }
  return inputs;
}

double Difference(const Tensor& a, const Tensor& b) { return (a - b).abs().max().item<double>(); }

TEST(NetworkTest, FusedAndPlainAttentionAgreeInDouble) {
  torch::NoGradGuard no_grad;
  for (const int64_t features : {0, 4}) {
    Network fused = MakeNetwork(NetworkKind::kDenoiser, SmallConfig(features), Attention::kFused);
    Network plain = MakeNetwork(NetworkKind::kDenoiser, SmallConfig(features), Attention::kPlain);
    fused.To(torch::kFloat64);
    plain.To(torch::kFloat64);
    Network::Inputs inputs = MakeInputs(7, features);
    inputs.control = inputs.control.to(torch::kFloat64);
    inputs.knockout = inputs.knockout.to(torch::kFloat64);
    if (features > 0) {
      inputs.molecule = inputs.molecule.to(torch::kFloat64);
      inputs.dose = inputs.dose.to(torch::kFloat64);
    }
    const Tensor x = torch::randn({7, kGenes}, torch::kFloat64);
    const Tensor t = torch::randint(0, 500, {7}, torch::kInt64);
    EXPECT_LT(Difference(fused.Denoise(x, t, inputs), plain.Denoise(x, t, inputs)), 1e-9);
  }
}

TEST(NetworkTest, ExportedFileGivesWhatTheNetworkGivesAtAnyBatchSize) {
  torch::NoGradGuard no_grad;
  const test::TempFolder folder;
  const ModelConfig config = SmallConfig(4);
  const Network network = MakeNetwork(NetworkKind::kDenoiser, config, Attention::kFused);
  ASSERT_OK(network.Export(folder.At("target.pt"), ExportKind::kTarget));
  ASSERT_OK(network.Export(folder.At("source.pt"), ExportKind::kSource));
  torch::jit::Module target = torch::jit::load(folder.At("target.pt"));
  torch::jit::Module source = torch::jit::load(folder.At("source.pt"));
  for (const int64_t rows : {1, 7, 64}) {
    const Network::Inputs in = MakeInputs(rows, 4);
    const Tensor x = torch::randn({rows, kGenes});
    const Tensor t = torch::randint(0, 500, {rows}, torch::kInt64);
    const Tensor from_file =
        target.forward({x, t, in.cell_type, in.control, in.knockout, in.molecule, in.dose})
            .toTensor();
    EXPECT_LT(Difference(from_file, network.Denoise(x, t, in)), 1e-4);
    Network::Inputs unperturbed;
    unperturbed.cell_type = in.cell_type;
    EXPECT_LT(Difference(source.forward({x, t, in.cell_type}).toTensor(),
                         network.Denoise(x, t, unperturbed)),
              1e-4);
  }
}

TEST(NetworkTest, MaskExportsProbabilitiesWithEitherHead) {
  torch::NoGradGuard no_grad;
  const test::TempFolder folder;
  for (const char* head : {"dense", "grn"}) {
    ModelConfig config = SmallConfig(0);
    config.mask_head = head;
    const Network network = MakeNetwork(NetworkKind::kMask, config, Attention::kFused);
    ASSERT_OK(network.Export(folder.At("mask.pt"), ExportKind::kMask));
    torch::jit::Module file = torch::jit::load(folder.At("mask.pt"));
    const Network::Inputs in = MakeInputs(7, 0);
    const Tensor probability = file.forward({in.cell_type, in.control, in.knockout}).toTensor();
    EXPECT_LT(Difference(probability, torch::sigmoid(network.MaskLogits(in))), 1e-5);
    EXPECT_GE(probability.min().item<double>(), 0.0);
    EXPECT_LE(probability.max().item<double>(), 1.0);
  }
}

TEST(NetworkTest, LoadsItsOwnExportBehindTheFusedOperator) {
  torch::NoGradGuard no_grad;
  const test::TempFolder folder;
  const ModelConfig config = SmallConfig(0);
  const Network network = MakeNetwork(NetworkKind::kDenoiser, config, Attention::kPlain);
  ASSERT_OK(network.Export(folder.At("target.pt"), ExportKind::kTarget));
  const auto loaded =
      Network::Load(folder.At("target.pt"), ExportKind::kTarget, config, Attention::kFused);
  ASSERT_OK(loaded);
  const Network::Inputs in = MakeInputs(5, 0);
  const Tensor x = torch::randn({5, kGenes}), t = torch::randint(0, 500, {5}, torch::kInt64);
  EXPECT_LT(Difference(network.Denoise(x, t, in), loaded->Denoise(x, t, in)), 1e-5);
}

TEST(NetworkTest, RefusesFilesThatAreNotItsOwn) {
  const test::TempFolder folder;
  std::ofstream(folder.At("noise.pt")) << "not a zip";
  EXPECT_EQ(
      Network::Load(folder.At("noise.pt"), ExportKind::kTarget, SmallConfig(0), Attention::kPlain)
          .status()
          .code(),
      absl::StatusCode::kInvalidArgument);
  // A file of another shape.
  const Network network = MakeNetwork(NetworkKind::kDenoiser, SmallConfig(0), Attention::kFused);
  ASSERT_OK(network.Export(folder.At("target.pt"), ExportKind::kTarget));
  ModelConfig wider = SmallConfig(0);
  wider.hidden = 32;
  const auto loaded =
      Network::Load(folder.At("target.pt"), ExportKind::kTarget, wider, Attention::kFused);
  EXPECT_EQ(loaded.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST(NetworkTest, UntrainedPreconditionedNetworkPredictsTheGaussianPosteriorMean) {
  torch::NoGradGuard no_grad;
  const NetworkStatistics statistics = SmallStatistics();
  const diffusion::Schedule schedule;
  const auto network = Network::Create(NetworkKind::kDenoiser, SmallConfig(0), schedule, statistics,
                                       7, Attention::kFused);
  ASSERT_OK(network);
  Network::Inputs in;
  in.cell_type = torch::ones({4}, torch::kInt64);
  const Tensor x = torch::rand({4, kGenes});
  const Tensor t = torch::full({4}, 120, torch::kInt64);
  const double abar = schedule.alpha_bar(120);
  const Tensor mean = statistics.prior_mean[1];
  const Tensor variance = statistics.prior_deviation[1].square();
  const Tensor expected = mean + std::sqrt(abar) * variance * (x - std::sqrt(abar) * mean) /
                                     (abar * variance + 1 - abar);
  EXPECT_LT(Difference(network->Denoise(x, t, in), expected), 1e-5);
}

TEST(NetworkTest, KnockoutOfAnyNodeReachesMeasuredGenes) {
  torch::NoGradGuard no_grad;
  const Network network = MakeNetwork(NetworkKind::kDenoiser, SmallConfig(0), Attention::kFused);
  Network::Inputs in = MakeInputs(1, 0);
  const Tensor x = torch::randn({1, kGenes}), t = torch::full({1}, 50, torch::kInt64);
  in.knockout.zero_();
  const Tensor untouched = network.Denoise(x, t, in);
  for (int64_t node = 0; node < kNodes; ++node) {
    in.knockout.zero_();
    in.knockout[0][node] = 1.0;
    EXPECT_GT(Difference(network.Denoise(x, t, in), untouched), 1e-6) << node;
  }
}

TEST(NetworkTest, RowsWithoutAMoleculeKeepTheGenePath) {
  torch::NoGradGuard no_grad;
  const Network network = MakeNetwork(NetworkKind::kDenoiser, SmallConfig(4), Attention::kFused);
  Network::Inputs with = MakeInputs(3, 4);
  with.molecule.zero_();
  Network::Inputs without = with;
  without.molecule = Tensor();
  without.dose = Tensor();
  const Tensor x = torch::randn({3, kGenes}), t = torch::full({3}, 50, torch::kInt64);
  EXPECT_LT(Difference(network.Denoise(x, t, with), network.Denoise(x, t, without)), 1e-6);
}

TEST(NetworkTest, AGatedDrugFadesWithItsDoseAndSaturatesAbove) {
  torch::NoGradGuard no_grad;
  ModelConfig config = SmallConfig(4);
  config.dose_gate = "sigmoid";
  const Network network = MakeNetwork(NetworkKind::kDenoiser, config, Attention::kFused);
  Network::Inputs in = MakeInputs(3, 4);
  Network::Inputs without = in;
  without.molecule = without.dose = Tensor();
  const Tensor x = torch::randn({3, kGenes}), t = torch::full({3}, 50, torch::kInt64);
  const Tensor untouched = network.Denoise(x, t, without);
  const auto effect = [&](double log10_dose) {
    in.dose = torch::full({3}, log10_dose);
    return network.Denoise(x, t, in) - untouched;
  };
  const double at_most = effect(30).abs().max().item<double>();
  EXPECT_GT(at_most, 1e-4);
  EXPECT_LT(effect(-30).abs().max().item<double>(), 1e-6);
  EXPECT_LT(Difference(effect(30), effect(40)), 1e-6);
  // The linear dose does neither.
  const Network linear = MakeNetwork(NetworkKind::kDenoiser, SmallConfig(4), Attention::kFused);
  in.dose = torch::full({3}, -30.0);
  EXPECT_GT(Difference(linear.Denoise(x, t, in), linear.Denoise(x, t, without)), 1e-6);
}

TEST(NetworkTest, EveryParameterOfAGatedNetworkLearns) {
  ModelConfig config = SmallConfig(4);
  config.dose_gate = "sigmoid";
  const Network network = MakeNetwork(NetworkKind::kDenoiser, config, Attention::kFused);
  network
      .DenoiserLoss(torch::rand({4, kGenes}), torch::randn({4, kGenes}),
                    torch::randint(0, 500, {4}, torch::kInt64), MakeInputs(4, 4))
      .mean()
      .backward();
  const auto names = network.ParameterNames();
  const auto parameters = network.Parameters();
  int gates = 0;
  for (size_t k = 0; k < names.size(); ++k) {
    EXPECT_NE(names[k], "drug_dose");
    if (names[k].rfind("gate_", 0) != 0) continue;
    ++gates;
    EXPECT_GT(parameters[k].grad().abs().sum().item<double>(), 0.0) << names[k];
  }
  EXPECT_EQ(gates, 2);
}

TEST(NetworkTest, EveryRecipeAndSwitchCompilesAndLearns) {
  for (const char* recipe : {"preconditioned", "paper"}) {
    for (const char* inputs : {"paper", "static"}) {
      for (const bool on : {true, false}) {
        ModelConfig config = SmallConfig(0);
        config.recipe = recipe;
        config.grn_inputs = inputs;
        config.residual = config.control_input = config.grn = on;
        config.control_residual = !on;
        const Network network = MakeNetwork(NetworkKind::kDenoiser, config, Attention::kFused);
        const Tensor x_0 = torch::rand({4, kGenes}), x_t = torch::randn({4, kGenes});
        const Tensor loss = network
                                .DenoiserLoss(x_0, x_t, torch::randint(0, 500, {4}, torch::kInt64),
                                              MakeInputs(4, 0))
                                .mean();
        ASSERT_TRUE(std::isfinite(loss.item<double>()));
        loss.backward();
        EXPECT_GT(network.Parameters()[0].grad().abs().sum().item<double>(), 0.0);
      }
    }
  }
}

TEST(ModelConfigTest, RoundTripsAndNamesTheBadField) {
  const ModelConfig config = SmallConfig(4);
  EXPECT_EQ(ModelConfig::FromJson(config.ToJson())->ToJson(), config.ToJson());
  auto json = config.ToJson();
  json["heads"] = 0;
  EXPECT_NE(ModelConfig::FromJson(json).status().message().find("heads"), absl::string_view::npos);
  json = config.ToJson();
  json.erase("dose_gate");
  EXPECT_NE(ModelConfig::FromJson(json).status().message().find("dose_gate"),
            absl::string_view::npos);
  json["dose_gate"] = "steep";
  EXPECT_NE(ModelConfig::FromJson(json).status().message().find("dose_gate"),
            absl::string_view::npos);
  json = config.ToJson();
  json.erase("recipe");
  EXPECT_FALSE(ModelConfig::FromJson(json).ok());
}

}  // namespace
}  // namespace unlasting::model
