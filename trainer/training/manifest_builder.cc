#include "trainer/training/manifest_builder.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

#include "absl/time/clock.h"
#include "core/base/version.h"
#include "core/diffusion/solver.h"
#include "trainer/settings/settings.h"

namespace unlasting::trainer {

namespace {

// In a context where a perturbation was not measured, the expected response decides and a network
// that starts from it is the nearer one; where all were measured, a network that starts from the
// control cells learns how cells respond together (docs/decisions.md).
bool TrainedFromControl(const TrainConfig& config, const TrainingData& data,
                        const ResponseChoice& response) {
  if (!HearsCondition(config)) return false;
  if (config.skip_mean() != "auto") return config.skip_mean() == "control";
  // Drugs at doses that training did not have would count as trained.
  if (data.stimulus_features() > 0) return false;
  // Null where nothing was measured.
  return response.record.is_object() && response.record.value("left_out", "") == "cells";
}

}  // namespace

model::ModelConfig ModelConfigOf(const TrainConfig& config, const TrainingData& data,
                                 const diffusion::Schedule& schedule,
                                 const ResponseChoice& response) {
  model::ModelConfig m;
  m.genes = data.genes();
  m.nodes = data.nodes();
  m.cell_types = static_cast<int64_t>(data.prepared().data.cell_types.size());
  m.molecule_features = data.stimulus_features();
  m.dim = config.dim();
  m.layers = config.layers();
  m.heads = config.heads();
  m.hidden = config.hidden();
  m.times = schedule.steps();
  m.recipe = config.recipe();
  m.grn_inputs = config.grn_inputs();
  if (m.grn_inputs == "auto") {
    m.grn_inputs = config.recipe() == "preconditioned" ? "static" : "paper";
  }
  m.residual = config.residual();
  m.control_residual = config.control_residual();
  m.expected_response = HasExpectedResponse(config);
  m.condition = HearsCondition(config) ? config.condition_width() : 0;
  m.trained_from_control = TrainedFromControl(config, data, response);
  m.mask_head = config.mask_head();
  m.dose_gate = config.dose_gate();
  m.control_input = config.ablation() != "no_control";
  m.grn = config.ablation() != "no_grn";
  return m;
}

namespace {

// The conditions of the training cells, in which cell types they were, and of their drugs the
// structures and ascending doses.
void AddConditions(const cells::Prepared& prepared, bundle::Manifest* manifest) {
  std::map<std::string, bundle::KnownMolecule> molecules;
  // Per condition, the cell types that training had it in.
  std::vector<std::set<int32_t>> trained(prepared.data.conditions.size());
  for (const int64_t cell : prepared.split.Cells(false)) {
    trained[prepared.data.condition[cell]].insert(prepared.data.cell_type[cell]);
  }
  for (const std::string& type : prepared.data.cell_types) manifest->contexts[type] = {};
  for (size_t k = 0; k < trained.size(); ++k) {
    const auto& condition = prepared.data.conditions[k];
    if (trained[k].empty() || condition.control) continue;
    for (const int32_t type : trained[k]) {
      manifest->contexts[prepared.data.cell_types[type]].push_back(
          static_cast<int32_t>(manifest->conditions.size()));
    }
    manifest->conditions.push_back(condition.name);
    if (!condition.molecule()) continue;
    auto& known = molecules[condition.name];
    known.name = condition.name;
    known.smiles = condition.smiles;
    known.doses_um.push_back(condition.dose_um);
  }
  for (auto& [name, known] : molecules) {
    std::sort(known.doses_um.begin(), known.doses_um.end());
    known.doses_um.erase(std::unique(known.doses_um.begin(), known.doses_um.end()),
                         known.doses_um.end());
    manifest->molecules.push_back(known);
  }
}

// Of each cell type, or of all training control cells where it has none.
std::vector<double> ControlSums(const cells::Prepared& prepared) {
  const cells::Dataset& data = prepared.data;
  std::vector<double> sums(data.cell_types.size(), 0.0), cells(data.cell_types.size(), 0.0);
  double all_sum = 0, all_cells = 0;
  for (const int64_t cell : prepared.split.Cells(/*test_cells=*/false)) {
    if (!data.conditions[data.condition[cell]].control) continue;
    double sum = 0;
    for (const float value : data.values.RowValues(cell)) sum += std::expm1(value);
    sums[data.cell_type[cell]] += sum;
    cells[data.cell_type[cell]] += 1;
    all_sum += sum;
    all_cells += 1;
  }
  for (size_t type = 0; type < sums.size(); ++type) {
    sums[type] = cells[type] > 0 ? sums[type] / cells[type] : all_sum / std::max(1.0, all_cells);
  }
  return sums;
}

}  // namespace

bundle::Manifest MakeManifest(const TrainConfig& config, const std::string& out,
                              const TrainingData& data, const grn::Graph& graph,
                              const diffusion::Schedule& schedule,
                              const model::ModelConfig& model) {
  const cells::Prepared& prepared = data.prepared();
  bundle::Manifest m;
  m.name = config.name().empty() ? std::filesystem::path(out).filename().string() : config.name();
  m.version = config.version();
  m.created = absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", absl::Now(), absl::UTCTimeZone());
  m.software_version = kVersion;
  m.genes = prepared.data.genes;
  m.perturbed_only = prepared.perturbed_only;
  m.gene_symbols = prepared.data.gene_symbols;
  m.cell_types = prepared.data.cell_types;
  if (data.any_gene()) m.perturbation_kinds.push_back("gene");
  if (data.any_molecule()) m.perturbation_kinds.push_back("molecule");
  if (data.any_treatment()) m.perturbation_kinds.push_back("treatment");
  AddConditions(prepared, &m);
  m.normalisation = {prepared.target_sum, prepared.x_max, ControlSums(prepared)};
  m.schedule_steps = schedule.steps();
  m.beta_first = schedule.beta_first();
  m.beta_last = schedule.beta_last();
  m.solver = config.solver();
  m.solver_steps = static_cast<int>(config.solver_steps());
  if (m.solver_steps == 0) {
    m.solver_steps = diffusion::DefaultSteps(*diffusion::ParseSolver(config.solver()));
  }
  m.mask = config.mask();
  if (!data.molecule_embeddings().empty()) {
    m.molecule_featurizer = bundle::kEmbeddingsName;
  } else if (data.any_molecule()) {
    m.molecule_featurizer = data.featurizer().name();
    const auto& scaling = data.featurizer().scaling();
    m.molecule_scaling = {scaling.names, scaling.mean, scaling.deviation};
  }
  m.molecule_features = data.stimuli().molecule_features;
  m.treatments = data.treatments();
  m.treatment_vectors = !data.treatment_vectors().empty();
  m.treatment_features = data.stimuli().treatment_features;
  m.covariates = data.stimuli().covariates;
  m.model = model.ToJson();
  m.grn = grn::Describe(graph);
  m.grn["threshold"] = config.grn().threshold();
  if (config.grn().threshold() == 0) m.grn["false_discovery"] = config.grn().false_discovery();
  m.grn["prior"] = std::filesystem::path(config.grn().prior()).filename().string();
  m.settings = ConfigToJson(config);
  m.split = prepared.split.record;
  return m;
}

bundle::Reference MakeReference(const TrainConfig& config, const TrainingData& data,
                                const grn::Graph& graph) {
  const cells::Prepared& prepared = data.prepared();
  bundle::Reference reference;
  std::vector<int64_t> panel;
  for (size_t type = 0; type < prepared.data.cell_types.size(); ++type) {
    // Every k-th training control cell in the order of barcodes.
    std::vector<int64_t> controls;
    for (const int64_t cell : data.controls(static_cast<int32_t>(type))) {
      if (data.cell_type(cell) == static_cast<int32_t>(type)) controls.push_back(cell);
    }
    const auto wanted =
        std::min<int64_t>(config.panel_cells(), static_cast<int64_t>(controls.size()));
    for (int64_t k = 0; k < wanted; ++k) {
      panel.push_back(controls[k * static_cast<int64_t>(controls.size()) / wanted]);
    }
  }
  reference.panel = SelectRowsDense(prepared.data.values, panel);
  for (const int64_t cell : panel) {
    reference.panel_cell_type.push_back(data.cell_type(cell));
    reference.panel_barcodes.push_back(prepared.data.barcodes[cell]);
    if (!prepared.library_size.empty()) {
      reference.panel_library_sizes.push_back(prepared.library_size[cell]);
    }
  }
  reference.control_mean = data.control_statistics().mean;
  reference.control_deviation = data.control_statistics().deviation;
  reference.molecules = data.molecule_embeddings();
  reference.treatments = data.treatment_vectors();
  reference.network.rows = reference.network.cols = graph.nodes();
  reference.network.indptr = graph.indptr;
  reference.network.indices = graph.sources;
  reference.network.values.assign(graph.sources.size(), 1.0f);
  return reference;
}

}  // namespace unlasting::trainer
