// The cells a model trains on, in model units, grouped so that batches can be balanced.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/matrix.h"
#include "core/cells/normalise.h"
#include "core/cells/preprocess.h"
#include "core/grn/graph.h"
#include "core/molecule/featurizer.h"
#include "trainer/settings/config.pb.h"

namespace unlasting::trainer {

// What a training condition does, as the networks take it.
struct ConditionInputs {
  std::vector<int32_t> knockout;  // node indices
  std::vector<float> molecule;    // [Ds]; empty for genes
  float log10_dose_um = 0;
};

// Rows of one batch: half control cells for the source model, half perturbed cells for the target.
struct Batch {
  std::vector<int64_t> control_cells;
  std::vector<int64_t> perturbed_cells;
  // For each perturbed cell, a control cell of its type (`control_input: cells`).
  std::vector<int64_t> partner_cells;
};

struct TrainingDataOptions {
  // Draws a group (condition within cell type) uniformly, then a cell of it; else any cell.
  bool balance_conditions = true;
  // Share of the training's perturbed cells that no batch holds; 0: none. Of every group's cells,
  // or whole conditions.
  double validation_fraction = 0;
  bool validate_conditions = false;
  uint64_t seed = 0;
  // Table of drug name -> vector (core/grn/gene_embedding.h) in place of features made from SMILES;
  // "" for none.
  std::string molecule_embeddings;
  // Morgan counts with descriptors standardised on the training drugs; else counts alone.
  bool molecule_descriptors = true;
};

class TrainingData {
 public:
  // INVALID_ARGUMENT where a drug's SMILES cannot be read, or the table has no row for it, a
  // training group is empty, or validation would leave no condition to train on.
  static absl::StatusOr<TrainingData> Create(const cells::Prepared& prepared,
                                             const TrainingDataOptions& options = {});

  // A function of (seed, step) alone, so that a resumed run sees the batches it would have seen.
  Batch Draw(uint64_t seed, int64_t step, int64_t batch_size) const;

  // Writes a cell's values / x_max into `out` [N].
  void Fill(int64_t cell, float* out) const;

  const cells::Prepared& prepared() const { return *prepared_; }
  int32_t cell_type(int64_t cell) const { return prepared_->data.cell_type[cell]; }
  const ConditionInputs& inputs(int64_t cell) const {
    return conditions_[prepared_->data.condition[cell]];
  }
  const ConditionInputs& condition_inputs(int32_t condition) const {
    return conditions_[condition];
  }
  bool any_gene() const { return any_gene_; }
  bool any_molecule() const { return any_molecule_; }
  int64_t molecule_features() const { return molecule_features_; }
  // What made the molecules' features; of no meaning where there are embeddings.
  const molecule::Featurizer& featurizer() const { return featurizer_; }
  // By drug name, of training and held-out drugs; empty where features were made from SMILES.
  const std::map<std::string, std::vector<float>>& molecule_embeddings() const {
    return molecule_embeddings_;
  }
  int64_t genes() const { return prepared_->data.n_genes(); }
  int64_t nodes() const { return genes() + static_cast<int64_t>(prepared_->perturbed_only.size()); }
  // Training control cells of a type; of all types where it has none.
  const std::vector<int64_t>& controls(int32_t cell_type) const { return controls_[cell_type]; }
  // Perturbed training cells of a condition within a cell type that no batch holds, two or more.
  const std::vector<std::vector<int64_t>>& validation_groups() const { return validation_groups_; }
  // log1p statistics of the training control cells.
  const cells::ControlStatistics& control_statistics() const { return statistics_; }

 private:
  absl::Status ReadMolecules(const TrainingDataOptions& options);
  absl::StatusOr<std::vector<float>> FeaturesOf(const cells::Condition& condition) const;
  absl::Status HoldOut(const TrainingDataOptions& options);
  void MergeGroups();

  const cells::Prepared* prepared_ = nullptr;
  std::vector<ConditionInputs> conditions_;
  std::vector<std::vector<int64_t>> controls_;          // per cell type
  std::vector<std::vector<int64_t>> control_groups_;    // non-empty ones
  std::vector<std::vector<int64_t>> perturbed_groups_;  // condition within cell type
  std::vector<std::vector<int64_t>> validation_groups_;
  cells::ControlStatistics statistics_;
  bool any_gene_ = false;
  bool any_molecule_ = false;
  int64_t molecule_features_ = 0;
  molecule::Featurizer featurizer_ = molecule::Featurizer::Fingerprint();
  std::map<std::string, std::vector<float>> molecule_embeddings_;
};

// Eq 4 over the training control cells, with the prior where one is named; nodes as
// cells::Prepared::NodeOf.
absl::StatusOr<grn::Graph> GraphOf(const cells::Prepared& prepared, const GrnConfig& config,
                                   int threads);

}  // namespace unlasting::trainer
