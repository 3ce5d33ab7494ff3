#include "tests/support/tiny_bundle.h"

#include <torch/torch.h>

#include <cmath>
#include <random>

#include "core/base/status.h"
#include "core/bundle/torch/write.h"
#include "core/grn/graph.h"
#include "core/molecule/featurizer.h"

namespace unlasting::test {
namespace {

constexpr int kGenes = 24;
constexpr int kExtra = 2;

// A fresh network predicts the Gaussian skip alone; random last layers make it do something.
void Shake(const model::Network& network, uint64_t seed) {
  torch::NoGradGuard no_grad;
  auto generator = at::detail::createCPUGenerator(seed);
  for (auto parameter : network.Parameters()) {
    parameter.add_(0.05 * torch::randn(parameter.sizes(), generator, parameter.options()));
  }
}

// Of the knockouts and, where there is `aspirin`, of its two doses.
model::ExpectedResponse Responses(const TinyBundleOptions& options,
                                  const std::vector<float>& aspirin, int64_t nodes, int64_t edges) {
  model::ExpectedResponse table;
  if (options.genes) table.nodes = {0, 1, 2, 3, 4, 5};
  table.drugs = torch::zeros({0, 0});
  if (!aspirin.empty()) {
    const torch::Tensor features = torch::tensor(aspirin).unsqueeze(0);
    table.drugs = features / features.norm();
    table.drug = {0, 0};
    table.log10_dose = {-1, 0};
  }
  const auto entries = static_cast<int64_t>(table.nodes.size() + 1 + table.drug.size());
  auto generator = at::detail::createCPUGenerator(options.seed + 2);
  const auto draw = [&](double size) {
    return size * torch::randn({options.cell_types * entries, kGenes}, generator);
  };
  table.mean = draw(0.05);
  table.log_variance = draw(0.2);
  table.active_logit = draw(0.3);
  if (options.genes) {
    model::GrnResponse& network = table.grn.emplace();
    network.self_effect = 0.05 * torch::randn({options.cell_types, nodes}, generator);
    network.edge_weights = 0.3 * torch::randn({edges}, generator);
    network.damping = 0.8;
    network.log_variance = 0.2 * torch::randn({kGenes}, generator);
    network.active_logit = torch::randn({kGenes}, generator);
  }
  return table;
}

}  // namespace

absl::Status WriteTinyBundle(const std::string& directory, const TinyBundleOptions& options) {
  std::mt19937_64 random(options.seed);
  std::uniform_real_distribution<float> uniform;
  bundle::BundleParts parts;
  bundle::Manifest& m = parts.manifest;
  m.name = options.name;
  m.version = "1";
  m.created = "2026-01-01T00:00:00Z";
  m.software_version = "0.1.0";
  for (int g = 0; g < kGenes; ++g) {
    m.genes.push_back("G" + std::to_string(g));
    m.gene_symbols[m.genes.back()] = "S" + std::to_string(g);
  }
  if (options.genes) {
    m.perturbation_kinds.push_back("gene");
    for (int k = 0; k < kExtra; ++k) m.perturbed_only.push_back("U" + std::to_string(k));
    for (int k = 0; k < 6; ++k) m.conditions.push_back("G" + std::to_string(k) + "+ctrl");
  }
  std::vector<float> aspirin;  // its features
  if (options.molecules) {
    m.perturbation_kinds.push_back("molecule");
    m.conditions.push_back("aspirin");
    m.molecules.push_back({"aspirin", "CC(=O)Oc1ccccc1C(=O)O", {0.1, 1.0}});
    using Features = TinyBundleOptions::Features;
    if (options.features == Features::kEmbeddings) {
      m.molecule_featurizer = bundle::kEmbeddingsName;
      m.molecule_features = 6;
      parts.reference.molecules = {{"aspirin", {1, 0.5f, -1, 0.25f, 0, 2}},
                                   {"unseen", {0.1f, -0.7f, 1, 0, 0.3f, 1}}};
      aspirin = parts.reference.molecules["aspirin"];
    } else {
      auto featurizer = molecule::Featurizer::Fingerprint();
      if (options.features == Features::kDescriptors) {
        UNLASTING_ASSIGN_OR_RETURN(
            featurizer, molecule::Featurizer::FitTo({m.molecules[0].smiles, "CCO", "c1ccccc1"}));
      }
      m.molecule_featurizer = featurizer.name();
      m.molecule_features = featurizer.features();
      const auto& scaling = featurizer.scaling();
      m.molecule_scaling = {scaling.names, scaling.mean, scaling.deviation};
      UNLASTING_ASSIGN_OR_RETURN(const auto featurized,
                                 featurizer.Featurize(m.molecules[0].smiles));
      aspirin = featurized.features;
    }
  }
  for (int c = 0; c < options.cell_types; ++c) m.cell_types.push_back("T" + std::to_string(c));
  m.normalisation = {1000.0, 6.0};
  const int64_t nodes = kGenes + static_cast<int64_t>(m.perturbed_only.size());

  model::ModelConfig config;
  config.genes = kGenes;
  config.nodes = nodes;
  config.cell_types = options.cell_types;
  config.molecule_features = m.molecule_features;
  config.dose_gate = options.dose_gate;
  config.expected_response = options.expected_response;
  config.dim = 8;
  config.hidden = 16;
  m.model = config.ToJson();

  std::vector<grn::Edge> edges;
  for (int32_t g = 0; g < nodes; ++g) {
    edges.push_back({g, static_cast<int32_t>((g * 5 + 1) % nodes), 0.5});
    edges.push_back({g, static_cast<int32_t>((g * 7 + 3) % nodes), 0.4});
  }
  const grn::Graph graph = grn::BuildGraph(nodes, edges, 0);
  m.network = grn::Describe(graph);

  bundle::Reference& reference = parts.reference;
  reference.panel = DenseMatrix(options.panel_cells * options.cell_types, kGenes);
  for (int64_t r = 0; r < reference.panel.rows; ++r) {
    reference.panel_cell_type.push_back(static_cast<int32_t>(r / options.panel_cells));
    reference.panel_barcodes.push_back("panel" + std::to_string(r));
    for (float& value : reference.panel.Row(r)) {
      const float draw = uniform(random);
      value = draw < 0.3f ? 0.0f : 5.0f * draw;
    }
  }
  reference.control_mean = DenseMatrix(options.cell_types, kGenes);
  reference.control_deviation = DenseMatrix(options.cell_types, kGenes);
  for (float& value : reference.control_mean.values) value = 1.0f + 2.0f * uniform(random);
  for (float& value : reference.control_deviation.values) value = 0.5f + uniform(random);
  reference.network.rows = reference.network.cols = nodes;
  reference.network.indptr = graph.indptr;
  reference.network.indices = graph.sources;
  reference.network.values.assign(graph.sources.size(), 1.0f);

  const auto tensor = [](const DenseMatrix& matrix) {
    return torch::from_blob(const_cast<float*>(matrix.values.data()), {matrix.rows, matrix.cols})
        .clone();
  };
  model::NetworkStatistics statistics;
  statistics.prior_mean = tensor(reference.control_mean) / 6.0;
  statistics.prior_deviation = tensor(reference.control_deviation) / 6.0;
  statistics.active_share = torch::full({options.cell_types, kGenes}, 0.7);
  statistics.edge_indptr = graph.indptr;
  statistics.edge_source.assign(graph.sources.begin(), graph.sources.end());
  if (options.expected_response)
    statistics.expected_response = Responses(options, aspirin, nodes, graph.edges());
  const diffusion::Schedule schedule;
  UNLASTING_ASSIGN_OR_RETURN(
      const auto denoiser,
      model::Network::Create(model::NetworkKind::kDenoiser, config, schedule, statistics,
                             options.seed, model::Attention::kFused));
  UNLASTING_ASSIGN_OR_RETURN(
      const auto mask, model::Network::Create(model::NetworkKind::kMask, config, schedule,
                                              statistics, options.seed, model::Attention::kFused));
  Shake(denoiser, options.seed);
  Shake(mask, options.seed + 1);
  parts.denoiser = &denoiser;
  parts.mask = &mask;
  parts.card = "# tiny\n";
  return bundle::WriteBundle(parts, directory);
}

}  // namespace unlasting::test
