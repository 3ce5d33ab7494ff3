// What the networks are told of the drugs and treatments of the training file.
#include <algorithm>
#include <cmath>
#include <set>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/grn/gene_embedding.h"
#include "trainer/data/training_data.h"

namespace unlasting::trainer {
namespace {

// The rows of `names` in a table of vectors that `setting` names.
absl::StatusOr<std::map<std::string, std::vector<float>>> VectorsOf(
    const std::set<std::string>& names, const std::string& path, const std::string& setting) {
  UNLASTING_ASSIGN_OR_RETURN(const auto table, grn::ReadGeneEmbedding(path, setting, ".names.txt"));
  std::map<std::string, int64_t> rows;
  for (size_t row = 0; row < table.genes.size(); ++row) {
    rows.emplace(table.genes[row], static_cast<int64_t>(row));
  }
  std::map<std::string, std::vector<float>> vectors;
  for (const auto& name : names) {
    const auto row = rows.find(name);
    if (row == rows.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat(setting, ": ", path, ": has no row '", name, "'"));
    }
    const auto values = table.vectors.Row(row->second);
    if (std::all_of(values.begin(), values.end(), [](float value) { return value == 0; })) {
      return absl::InvalidArgumentError(
          absl::StrCat(setting, ": ", path, ": row '", name, "' holds only zeros"));
    }
    vectors[name].assign(values.begin(), values.end());
  }
  return vectors;
}

}  // namespace

std::vector<bool> TrainingData::Trained() const {
  std::vector<bool> trained(prepared_->data.conditions.size(), false);
  for (const int64_t cell : prepared_->split.Cells(/*test_cells=*/false)) {
    trained[prepared_->data.condition[cell]] = true;
  }
  return trained;
}

absl::Status TrainingData::ReadMolecules(const TrainingDataOptions& options) {
  const std::vector<bool> trained = Trained();
  std::set<std::string> names, structures;
  for (size_t k = 0; k < trained.size(); ++k) {
    const auto& condition = prepared_->data.conditions[k];
    if (!condition.molecule()) continue;
    any_molecule_ = true;
    names.insert(condition.name);
    if (trained[k]) structures.insert(condition.smiles);
  }
  if (!any_molecule_) return absl::OkStatus();
  if (!options.molecule_embeddings.empty()) {
    UNLASTING_ASSIGN_OR_RETURN(
        molecule_embeddings_, VectorsOf(names, options.molecule_embeddings, "molecule_embeddings"));
    stimuli_.molecule_features = static_cast<int>(molecule_embeddings_.begin()->second.size());
    return absl::OkStatus();
  }
  if (options.molecule_descriptors) {
    UNLASTING_ASSIGN_OR_RETURN(featurizer_,
                               molecule::Featurizer::FitTo({structures.begin(), structures.end()}));
  }
  stimuli_.molecule_features = featurizer_.features();
  return absl::OkStatus();
}

absl::Status TrainingData::ReadTreatments(const TrainingDataOptions& options) {
  const std::vector<bool> trained = Trained();
  std::set<std::string> all, seen;
  for (size_t k = 0; k < trained.size(); ++k) {
    const auto& condition = prepared_->data.conditions[k];
    if (!condition.treatment) continue;
    all.insert(condition.name);
    if (trained[k]) seen.insert(condition.name);
  }
  treatments_.assign(seen.begin(), seen.end());
  if (all.empty()) return absl::OkStatus();
  if (seen.empty()) {
    return absl::InvalidArgumentError(
        "split: holds out all treatments, expected one or more to train on");
  }
  if (!options.treatment_vectors.empty()) {
    UNLASTING_ASSIGN_OR_RETURN(treatment_vectors_,
                               VectorsOf(all, options.treatment_vectors, "treatment_vectors"));
    stimuli_.treatment_features = static_cast<int>(treatment_vectors_.begin()->second.size());
    return absl::OkStatus();
  }
  stimuli_.treatment_features = static_cast<int>(treatments_.size());
  for (const auto& name : all) {
    if (seen.count(name) > 0) continue;
    return absl::InvalidArgumentError(absl::StrCat(
        "split: holds out the treatment '", name,
        "', of which a model knows nothing that is told "
        "treatments by name; set split to cells, covariates or doses, or give treatment_vectors"));
  }
  return absl::OkStatus();
}

void TrainingData::FitCovariates() {
  const std::vector<bool> trained = Trained();
  std::map<std::string, std::vector<double>> values;
  for (size_t k = 0; k < trained.size(); ++k) {
    if (!trained[k]) continue;
    for (const auto& [name, value] : prepared_->data.conditions[k].covariates) {
      values[name].push_back(value);
    }
  }
  for (const auto& [name, of_training] : values) {
    const auto unit = prepared_->data.covariate_units.find(name);
    stimuli_.covariates.push_back(bundle::FitCovariate(
        name, unit == prepared_->data.covariate_units.end() ? "" : unit->second, of_training));
  }
}

absl::Status TrainingData::ReadConditions() {
  FitCovariates();
  for (const auto& condition : prepared_->data.conditions) {
    ConditionInputs inputs;
    if (condition.molecule() || condition.treatment) {
      auto features = FeaturesOf(condition);
      if (!features.ok()) {
        return Annotate(features.status(), absl::StrCat("condition '", condition.Key(), "'"));
      }
      inputs.molecule = *std::move(features);
    }
    if (condition.molecule()) {
      inputs.log10_dose_um = static_cast<float>(std::log10(condition.dose_um));
    }
    for (const auto& gene : condition.genes) {
      inputs.knockout.push_back(prepared_->NodeOf(gene));
      any_gene_ = true;
    }
    conditions_.push_back(std::move(inputs));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<float>> TrainingData::FeaturesOf(
    const cells::Condition& condition) const {
  auto kind = bundle::StimulusKind::kMolecule;
  std::vector<float> features;
  if (condition.treatment) {
    kind = bundle::StimulusKind::kTreatment;
    if (!treatment_vectors_.empty()) {
      features = treatment_vectors_.at(condition.name);
    } else {
      features.assign(treatments_.size(), 0.0f);
      const auto at = std::lower_bound(treatments_.begin(), treatments_.end(), condition.name);
      features[at - treatments_.begin()] = 1.0f;
    }
  } else if (!molecule_embeddings_.empty()) {
    features = molecule_embeddings_.at(condition.name);
  } else {
    UNLASTING_ASSIGN_OR_RETURN(auto featurized, featurizer_.Featurize(condition.smiles));
    features = std::move(featurized.features);
  }
  return bundle::EncodeStimulus(stimuli_, kind, features, condition.covariates);
}

}  // namespace unlasting::trainer
