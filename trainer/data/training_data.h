// TrainingData holds the cells that a model trains on, in model units (log1p / x_max), in groups
// from which balanced batches are drawn. Immutable once created; any number of threads may read it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/matrix.h"
#include "core/bundle/stimulus.h"
#include "core/cells/normalise.h"
#include "core/cells/preprocess.h"
#include "core/molecule/featurizer.h"

namespace unlasting::trainer {

// The perturbation of a condition as the networks take it.
struct ConditionInputs {
  std::vector<int32_t> knockout;  // node indices
  std::vector<float> molecule;    // of a drug or a treatment (core/bundle/stimulus.h); else empty
  float log10_dose_um = 0;
};

// The cells of one batch: half are control cells, for the source model, and half perturbed cells,
// for the target model. Each `share` cells that stand together are of one condition and cell type.
struct Batch {
  int64_t share = 1;
  std::vector<int64_t> control_cells;
  std::vector<int64_t> perturbed_cells;
  // For each `share` perturbed cells, a control cell of their type (`control_input: cells`).
  std::vector<int64_t> partner_cells;
};

struct TrainingDataOptions {
  // True: draws a group (a condition within a cell type) uniformly, then one of its cells. False:
  // draws any cell.
  bool balance_conditions = true;
  // Share of the perturbed training cells that is held out of the batches for validation; 0: none.
  // The share is taken of every group's cells, or with `validate_conditions` of the conditions.
  double validation_fraction = 0;
  bool validate_conditions = false;
  uint64_t seed = 0;
  // Path of a table of drug names and vectors (core/grn/gene_embedding.h) that replaces the
  // features computed from SMILES; "": none.
  std::string molecule_embeddings;
  // The same of treatments; "": they are told apart by name alone.
  std::string treatment_vectors;
  // True: Morgan counts and descriptors, the latter standardised on the training drugs. False:
  // Morgan counts alone.
  bool molecule_descriptors = true;
};

class TrainingData {
 public:
  // `prepared` must outlive the object. INVALID_ARGUMENT where a drug's SMILES cannot be read, the
  // table has no row for a drug or a treatment, the split holds out a treatment that is known by
  // name alone, a covariate is not what its scale needs, there are no training control cells, or
  // validation would leave no condition to train on.
  static absl::StatusOr<TrainingData> Create(const cells::Prepared& prepared,
                                             const TrainingDataOptions& options = {});

  // A batch is a function of (seed, step) alone, so that a resumed run draws the same batches.
  // `share` is lowered so that each half of a batch has eight groups, as far as it has cells.
  Batch Draw(uint64_t seed, int64_t step, int64_t batch_size, int64_t share = 1) const;

  // Writes the values of a cell, in model units, to `out` [N].
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
  bool any_treatment() const { return !treatments_.empty(); }
  // Values of ConditionInputs::molecule; 0 without drugs and treatments.
  int64_t stimulus_features() const { return stimuli_.size(); }
  const bundle::StimulusLayout& stimuli() const { return stimuli_; }
  // Of the training cells, ascending.
  const std::vector<std::string>& treatments() const { return treatments_; }
  // By name, of training and held-out treatments; empty where they are known by name alone.
  const std::map<std::string, std::vector<float>>& treatment_vectors() const {
    return treatment_vectors_;
  }
  // Computed the molecules' features; without meaning where there are embeddings.
  const molecule::Featurizer& featurizer() const { return featurizer_; }
  // By name, of training and held-out drugs; empty where features were computed from SMILES.
  const std::map<std::string, std::vector<float>>& molecule_embeddings() const {
    return molecule_embeddings_;
  }
  int64_t genes() const { return prepared_->data.n_genes(); }
  int64_t nodes() const { return genes() + static_cast<int64_t>(prepared_->perturbed_only.size()); }
  // The training control cells of a type, or of all types where it has none.
  const std::vector<int64_t>& controls(int32_t cell_type) const { return controls_[cell_type]; }
  // Groups of two or more perturbed training cells of one condition and cell type that no batch
  // holds.
  const std::vector<std::vector<int64_t>>& validation_groups() const { return validation_groups_; }
  // log1p statistics of the training control cells.
  const cells::ControlStatistics& control_statistics() const { return statistics_; }

 private:
  absl::Status ReadMolecules(const TrainingDataOptions& options);
  absl::Status ReadTreatments(const TrainingDataOptions& options);
  void FitCovariates();
  // Inputs of all conditions.
  absl::Status ReadConditions();
  absl::StatusOr<std::vector<float>> FeaturesOf(const cells::Condition& condition) const;
  // Whether each condition has training cells.
  std::vector<bool> Trained() const;
  absl::Status HoldOut(const TrainingDataOptions& options);

  const cells::Prepared* prepared_ = nullptr;
  std::vector<ConditionInputs> conditions_;
  std::vector<std::vector<int64_t>> controls_;  // per cell type
  bool balance_ = true;
  std::vector<std::vector<int64_t>> control_groups_;    // non-empty ones
  std::vector<std::vector<int64_t>> perturbed_groups_;  // condition within cell type
  std::vector<std::vector<int64_t>> validation_groups_;
  cells::ControlStatistics statistics_;
  bool any_gene_ = false;
  bool any_molecule_ = false;
  bundle::StimulusLayout stimuli_;
  std::vector<std::string> treatments_;
  std::map<std::string, std::vector<float>> treatment_vectors_;
  molecule::Featurizer featurizer_ = molecule::Featurizer::Fingerprint();
  std::map<std::string, std::vector<float>> molecule_embeddings_;
};

}  // namespace unlasting::trainer
