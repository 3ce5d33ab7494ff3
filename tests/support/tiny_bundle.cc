#include "tests/support/tiny_bundle.h"

#include <cmath>
#include <map>
#include <random>

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/grn/graph.h"
#include "core/molecule/featurizer.h"
#include "tests/support/random_weights.h"

namespace unlasting::test {
namespace {

constexpr int kGenes = 24;
constexpr int kExtra = 2;
constexpr float kMaxLog1p = 6.0f;  // x_max

using model::NetworkKind;
using model::NetworkWeights;

// A drug at a dose, or a treatment, as the networks are told of it.
struct Stimulus {
  std::vector<float> features;
  float log10_dose_um = 0;
};

// What networks of a kind know of the knockouts G0 .. G5 and of `stimuli`, those of equal features
// one after the other. Both networks are given the same seed.
void AddResponses(NetworkKind kind, const TinyBundleOptions& options,
                  const model::ModelConfig& config, const std::vector<Stimulus>& stimuli,
                  NetworkWeights<float>* weights) {
  std::mt19937_64 random(options.seed + 2);
  const auto draw = [&](const char* name, const std::vector<int64_t>& shape, float spread) {
    AddRandom(name, shape, 0.0f, spread, &random, weights);
  };
  const std::vector<int64_t> trained =
      options.genes ? std::vector<int64_t>{0, 1, 2, 3, 4, 5} : std::vector<int64_t>();
  AddIndices("response_nodes", trained, weights);
  const auto doses = static_cast<int64_t>(stimuli.size());
  std::vector<std::vector<float>> drugs;
  std::vector<int64_t> drug;
  weights->shapes["response_dose"] = {doses};
  weights->values["response_dose"] = {};
  for (const Stimulus& stimulus : stimuli) {
    if (drugs.empty() || drugs.back() != stimulus.features) drugs.push_back(stimulus.features);
    drug.push_back(static_cast<int64_t>(drugs.size()) - 1);
    weights->values["response_dose"].push_back(stimulus.log10_dose_um);
  }
  AddIndices("response_drug", drug, weights);
  weights->shapes["response_drugs"] = {config.molecule_features,
                                       static_cast<int64_t>(drugs.size())};
  AlignedVector<float>& features = weights->values["response_drugs"];
  for (int64_t k = 0; k < config.molecule_features; ++k) {
    for (const auto& of_drug : drugs) {
      double squares = 0;
      for (const float value : of_drug) squares += value * value;
      features.push_back(static_cast<float>(of_drug[k] / std::sqrt(squares)));
    }
  }
  const int64_t parts = kind == NetworkKind::kMask ? 1 : 2;
  const auto entries = static_cast<int64_t>(trained.size()) + 1 + doses;
  const int64_t rows = config.cell_types * entries;
  draw("response_coefficients", {rows, rows}, 0.0f);
  for (int64_t k = 0; k < rows; ++k) {
    weights->values["response_coefficients"][k * rows + k] = 1.0f;
  }
  draw("response_basis", {rows, parts * kGenes}, kind == NetworkKind::kMask ? 0.5f : 0.15f);
  if (!options.genes) return;
  draw("response_self_effect", {config.cell_types, config.nodes}, 0.1f);
  AddRandom("response_of_untrained", {config.nodes}, 1.0f, 0.0f, &random, weights);
  for (const int64_t node : trained) weights->values["response_of_untrained"][node] = 0.0f;
  draw("response_edge_weights", {static_cast<int64_t>(weights->edge_source.size())}, 0.5f);
  AddRandom("response_damping", {1}, 0.8f, 0.0f, &random, weights);
  draw("response_gain", {parts, kGenes}, 0.5f);
  if (kind == NetworkKind::kMask) return;
  // The mean follows itself.
  for (int g = 0; g < kGenes; ++g) weights->values["response_gain"][g] = 1.0f;
}

// A network on the statistics that the bundle's reference holds.
NetworkWeights<float> MakeWeights(NetworkKind kind, const TinyBundleOptions& options,
                                  const model::ModelConfig& config,
                                  const bundle::Reference& reference,
                                  const std::vector<Stimulus>& stimuli) {
  std::mt19937_64 random(options.seed + (kind == NetworkKind::kMask ? 1 : 0));
  NetworkWeights<float> weights = RandomParameters(kind, config, &random);
  weights.edge_indptr = reference.network.indptr;
  weights.edge_source = reference.network.indices;
  const std::vector<int64_t> by_type = {config.cell_types, kGenes};
  weights.shapes["prior_mean"] = weights.shapes["prior_variance"] = by_type;
  for (const float mean : reference.control_mean.values) {
    weights.values["prior_mean"].push_back(mean / kMaxLog1p);
  }
  for (const float deviation : reference.control_deviation.values) {
    weights.values["prior_variance"].push_back(deviation * deviation / (kMaxLog1p * kMaxLog1p));
  }
  // Seven control cells in ten express a gene.
  if (kind == NetworkKind::kMask) {
    AddRandom("active_logit", by_type, std::log(0.7f / 0.3f), 0.0f, &random, &weights);
  }
  if (config.expected_response) AddResponses(kind, options, config, stimuli, &weights);
  return weights;
}

bundle::Manifest MakeManifest(const TinyBundleOptions& options) {
  bundle::Manifest m;
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
    if (options.pairs) m.conditions.emplace_back("G3+G4");
  }
  for (int c = 0; c < options.cell_types; ++c) m.cell_types.push_back("T" + std::to_string(c));
  // Training had every condition in the first cell type and none in the others.
  for (const std::string& type : m.cell_types) m.contexts[type] = {};
  for (size_t k = 0; k < m.conditions.size(); ++k) {
    m.contexts["T0"].push_back(static_cast<int32_t>(k));
  }
  m.normalisation.target_sum = 1000.0;
  m.normalisation.x_max = kMaxLog1p;
  if (options.counts) {
    m.counts.dispersion.assign(kGenes, 0.5);
    m.counts.dispersion_share = 0.5;
    m.counts.library_size = 2000;
  }
  if (options.control_sum > 0) {
    m.normalisation.control_sums.assign(options.cell_types, options.control_sum);
  }
  return m;
}

// Adds the drug aspirin to both and returns its features.
absl::StatusOr<std::vector<float>> AddAspirin(const TinyBundleOptions& options, bundle::Manifest* m,
                                              bundle::Reference* reference) {
  m->perturbation_kinds.push_back("molecule");
  m->contexts["T0"].push_back(static_cast<int32_t>(m->conditions.size()));
  m->conditions.push_back("aspirin");
  m->molecules.push_back({"aspirin", "CC(=O)Oc1ccccc1C(=O)O", {0.1, 1.0}});
  using Features = TinyBundleOptions::Features;
  if (options.features == Features::kEmbeddings) {
    m->molecule_featurizer = bundle::kEmbeddingsName;
    m->molecule_features = 6;
    reference->molecules = {{"aspirin", {1, 0.5f, -1, 0.25f, 0, 2}},
                            {"unseen", {0.1f, -0.7f, 1, 0, 0.3f, 1}}};
    return reference->molecules["aspirin"];
  } else {
    auto featurizer = molecule::Featurizer::Fingerprint();
    if (options.features == Features::kDescriptors) {
      UNLASTING_ASSIGN_OR_RETURN(
          featurizer, molecule::Featurizer::FitTo({m->molecules[0].smiles, "CCO", "c1ccccc1"}));
    }
    m->molecule_featurizer = featurizer.name();
    m->molecule_features = featurizer.features();
    const auto& scaling = featurizer.scaling();
    m->molecule_scaling = {scaling.names, scaling.mean, scaling.deviation};
    UNLASTING_ASSIGN_OR_RETURN(const auto featurized, featurizer.Featurize(m->molecules[0].smiles));
    return featurized.features;
  }
}

// Adds IFNB1 and LPS at two times to both, and returns the features of each alone.
std::vector<std::vector<float>> AddTreatments(const TinyBundleOptions& options, bundle::Manifest* m,
                                              bundle::Reference* reference) {
  m->perturbation_kinds.push_back("treatment");
  m->treatments = {"IFNB1", "LPS"};
  m->conditions.insert(m->conditions.end(), m->treatments.begin(), m->treatments.end());
  m->covariates = {bundle::FitCovariate("hours", "h", {6, 24})};
  m->treatment_vectors = options.treatment_vectors;
  m->treatment_features = options.treatment_vectors ? 3 : 2;
  if (!options.treatment_vectors) return {{1, 0}, {0, 1}};
  reference->treatments = {{"IFNB1", {1, 0.5f, 0}}, {"LPS", {-1, 0, 2}}, {"TNF", {0.5f, 0.5f, 1}}};
  return {reference->treatments["IFNB1"], reference->treatments["LPS"]};
}

// What both networks know of the drug and the treatments, at all doses and times.
absl::StatusOr<std::vector<Stimulus>> AddStimuli(const TinyBundleOptions& options,
                                                 bundle::Manifest* m,
                                                 bundle::Reference* reference) {
  std::vector<float> aspirin;
  std::vector<std::vector<float>> treatments;
  if (options.molecules) {
    UNLASTING_ASSIGN_OR_RETURN(aspirin, AddAspirin(options, m, reference));
  }
  if (options.treatments) treatments = AddTreatments(options, m, reference);
  std::vector<Stimulus> stimuli;
  std::map<std::string, double> covariates;
  for (const double hours : {6.0, 24.0}) {
    if (options.treatments) covariates["hours"] = hours;
    if (options.molecules) {
      UNLASTING_ASSIGN_OR_RETURN(
          const auto drug, bundle::EncodeStimulus(m->Stimuli(), bundle::StimulusKind::kMolecule,
                                                  aspirin, covariates));
      stimuli.push_back({drug, -1.0f});
      stimuli.push_back({drug, 0.0f});
    }
    for (const auto& treatment : treatments) {
      UNLASTING_ASSIGN_OR_RETURN(
          const auto features,
          bundle::EncodeStimulus(m->Stimuli(), bundle::StimulusKind::kTreatment, treatment,
                                 covariates));
      stimuli.push_back({features, 0.0f});
    }
    if (!options.treatments) break;
  }
  return stimuli;
}

// Two sources for each node.
grn::Graph MakeGraph(int64_t nodes) {
  std::vector<grn::Edge> edges;
  for (int32_t g = 0; g < nodes; ++g) {
    edges.push_back({g, static_cast<int32_t>((g * 5 + 1) % nodes), 0.5});
    edges.push_back({g, static_cast<int32_t>((g * 7 + 3) % nodes), 0.4});
  }
  return grn::BuildGraph(nodes, edges, 0);
}

void FillReference(const TinyBundleOptions& options, const grn::Graph& graph,
                   bundle::Reference* filled) {
  std::mt19937_64 random(options.seed);
  std::uniform_real_distribution<float> uniform;
  bundle::Reference& reference = *filled;
  reference.panel = DenseMatrix(options.panel_cells * options.cell_types, kGenes);
  for (int64_t r = 0; r < reference.panel.rows; ++r) {
    reference.panel_cell_type.push_back(static_cast<int32_t>(r / options.panel_cells));
    reference.panel_barcodes.push_back("panel" + std::to_string(r));
    if (options.counts) reference.panel_library_sizes.push_back(1500 + 10 * static_cast<double>(r));
    for (float& value : reference.panel.Row(r)) {
      const float draw = uniform(random);
      value = draw < 0.3f ? 0.0f : 5.0f * draw;
    }
  }
  reference.control_mean = DenseMatrix(options.cell_types, kGenes);
  reference.control_deviation = DenseMatrix(options.cell_types, kGenes);
  for (float& value : reference.control_mean.values) value = 1.0f + 2.0f * uniform(random);
  for (float& value : reference.control_deviation.values) value = 0.5f + uniform(random);
  reference.network.rows = reference.network.cols = graph.nodes();
  reference.network.indptr = graph.indptr;
  reference.network.indices = graph.sources;
  reference.network.values.assign(graph.sources.size(), 1.0f);
}

model::ModelConfig MakeConfig(const TinyBundleOptions& options, const bundle::Manifest& m) {
  model::ModelConfig config;
  config.genes = kGenes;
  config.nodes = kGenes + static_cast<int64_t>(m.perturbed_only.size());
  config.cell_types = options.cell_types;
  config.molecule_features = m.Stimuli().size();
  config.dose_gate = options.dose_gate;
  config.expected_response = options.expected_response;
  config.dim = 8;
  config.hidden = 16;
  return config;
}

}  // namespace

absl::StatusOr<bundle::BundleParts> TinyBundleParts(const TinyBundleOptions& options) {
  bundle::BundleParts parts;
  bundle::Reference& reference = parts.reference;
  bundle::Manifest& m = parts.manifest = MakeManifest(options);
  UNLASTING_ASSIGN_OR_RETURN(const auto stimuli, AddStimuli(options, &m, &reference));
  const model::ModelConfig config = MakeConfig(options, m);
  m.model = config.ToJson();
  const grn::Graph graph = MakeGraph(config.nodes);
  m.grn = grn::Describe(graph);
  FillReference(options, graph, &reference);
  parts.weights.denoiser = MakeWeights(NetworkKind::kDenoiser, options, config, reference, stimuli);
  parts.weights.mask = MakeWeights(NetworkKind::kMask, options, config, reference, stimuli);
  parts.card = "# tiny\n";
  return parts;
}

absl::Status WriteTinyBundle(const std::string& directory, const TinyBundleOptions& options) {
  UNLASTING_ASSIGN_OR_RETURN(const bundle::BundleParts parts, TinyBundleParts(options));
  const auto no_torchscript = [](const std::filesystem::path& folder) -> absl::Status {
    for (const char* file : bundle::kTorchScriptFiles) {
      UNLASTING_RETURN_IF_ERROR(
          WriteFileAtomically(folder / file, "this test needs no TorchScript\n"));
    }
    return absl::OkStatus();
  };
  return bundle::WriteBundle(parts, no_torchscript, directory);
}

}  // namespace unlasting::test
