#include "trainer/training_data.h"

#include <cmath>
#include <map>
#include <random>

#include "core/base/status.h"
#include "core/molecule/featurizer.h"

namespace unlasting::trainer {

absl::StatusOr<TrainingData> TrainingData::Create(const cells::Prepared& prepared) {
  TrainingData data;
  data.prepared_ = &prepared;
  const cells::Dataset& cells = prepared.data;
  for (const auto& condition : cells.conditions) {
    ConditionInputs inputs;
    if (condition.molecule()) {
      auto featurized = molecule::Featurize(condition.smiles);
      if (!featurized.ok()) {
        return Annotate(featurized.status(), absl::StrCat("condition '", condition.name, "'"));
      }
      inputs.molecule = std::move(featurized->features);
      inputs.log10_dose_um = static_cast<float>(std::log10(condition.dose_um));
      data.any_molecule_ = true;
      data.molecule_features_ = static_cast<int64_t>(inputs.molecule.size());
    }
    for (const auto& gene : condition.genes) {
      inputs.knockout.push_back(prepared.NodeOf(gene));
      data.any_gene_ = true;
    }
    data.conditions_.push_back(std::move(inputs));
  }

  const std::vector<int64_t> training = prepared.split.Cells(/*test_cells=*/false);
  data.controls_.resize(cells.cell_types.size());
  std::vector<int64_t> all_controls;
  std::map<std::pair<int32_t, int32_t>, std::vector<int64_t>> perturbed;
  for (const int64_t cell : training) {
    if (cells.conditions[cells.condition[cell]].control) {
      data.controls_[cells.cell_type[cell]].push_back(cell);
      all_controls.push_back(cell);
    } else {
      perturbed[{cells.condition[cell], cells.cell_type[cell]}].push_back(cell);
    }
  }
  if (all_controls.empty()) {
    return absl::InvalidArgumentError("found no control cells among the training cells");
  }
  for (auto& controls : data.controls_) {
    if (!controls.empty()) data.control_groups_.push_back(controls);
    if (controls.empty()) controls = all_controls;
  }
  for (auto& [key, members] : perturbed) data.perturbed_groups_.push_back(std::move(members));
  data.statistics_ = cells::ControlsByCellType(cells, training);
  return data;
}

Batch TrainingData::Draw(uint64_t seed, int64_t step, int64_t batch_size) const {
  std::seed_seq mixed{static_cast<uint32_t>(seed), static_cast<uint32_t>(seed >> 32),
                      static_cast<uint32_t>(step), static_cast<uint32_t>(step >> 32)};
  std::mt19937_64 random(mixed);
  const auto from = [&random](const auto& items) -> const auto& {
    return items[random() % items.size()];
  };
  Batch batch;
  for (int64_t k = 0; k < batch_size / 2; ++k)
    batch.control_cells.push_back(from(from(control_groups_)));
  for (int64_t k = batch_size / 2; k < batch_size; ++k) {
    const int64_t cell = from(from(perturbed_groups_));
    batch.perturbed_cells.push_back(cell);
    batch.partner_cells.push_back(from(controls_[cell_type(cell)]));
  }
  return batch;
}

void TrainingData::Fill(int64_t cell, float* out) const {
  const auto scale = static_cast<float>(1.0 / prepared_->x_max);
  std::fill(out, out + genes(), 0.0f);
  const auto columns = prepared_->data.values.RowIndices(cell);
  const auto values = prepared_->data.values.RowValues(cell);
  for (size_t k = 0; k < columns.size(); ++k) out[columns[k]] = values[k] * scale;
}

absl::StatusOr<network::Graph> TrainingGraph(const TrainingData& data, double threshold,
                                             int max_in_degree, const std::string& prior_path) {
  return GraphOf(data.prepared(), threshold, max_in_degree, prior_path, 1);
}

absl::StatusOr<network::Graph> GraphOf(const cells::Prepared& prepared, double threshold,
                                       int max_in_degree, const std::string& prior_path,
                                       int threads) {
  std::vector<int64_t> controls;
  for (const int64_t cell : prepared.split.Cells(/*test_cells=*/false)) {
    if (prepared.data.conditions[prepared.data.condition[cell]].control) controls.push_back(cell);
  }
  if (controls.empty()) {
    return absl::InvalidArgumentError("found no control cells among the training cells");
  }
  auto edges =
      network::CoExpressionEdges(SelectRows(prepared.data.values, controls), threshold, threads);
  if (!prior_path.empty()) {
    // Edge lists name genes by symbol where the matrix may hold Ensembl ids.
    std::vector<std::string> nodes;
    for (const auto& gene : prepared.data.genes) {
      const auto symbol = prepared.data.gene_symbols.find(gene);
      nodes.push_back(symbol == prepared.data.gene_symbols.end() ? gene : symbol->second);
    }
    nodes.insert(nodes.end(), prepared.perturbed_only.begin(), prepared.perturbed_only.end());
    int64_t skipped = 0;
    UNLASTING_ASSIGN_OR_RETURN(const auto prior,
                               network::ReadPriorEdges(prior_path, nodes, &skipped));
    edges.insert(edges.end(), prior.begin(), prior.end());
  }
  const auto nodes = prepared.data.n_genes() + static_cast<int64_t>(prepared.perturbed_only.size());
  return network::BuildGraph(nodes, std::move(edges), max_in_degree);
}

}  // namespace unlasting::trainer
