#include "trainer/data/data_options.h"

#include <memory>
#include <optional>
#include <set>

#include "absl/strings/str_split.h"
#include "core/base/file.h"
#include "core/grn/gene_embedding.h"
#include "core/molecule/featurizer.h"

namespace unlasting::trainer {
namespace {

// Empty where the file cannot be read: whoever builds the network says why.
std::set<std::string> GenesOfPrior(const std::string& path) {
  std::set<std::string> genes;
  if (grn::HoldsEmbedding(path)) {
    const auto embedding = grn::ReadGeneEmbedding(path);
    if (embedding.ok()) genes.insert(embedding->genes.begin(), embedding->genes.end());
    return genes;
  }
  const auto text = ReadFile(path);
  if (!text.ok()) return genes;
  for (const absl::string_view line : absl::StrSplit(*text, '\n')) {
    for (const absl::string_view field : absl::StrSplit(line, absl::ByAnyChar("\t\r"))) {
      genes.emplace(field);
    }
  }
  return genes;
}

}  // namespace

cells::LoadOptions LoadOptionsOf(const TrainConfig& config) {
  cells::LoadOptions options;
  options.condition_column = config.condition_column();
  options.cell_type_column = config.cell_type_column();
  options.smiles_column = config.smiles_column();
  options.dose_column = config.dose_column();
  options.dose_unit_column = config.dose_unit_column();
  options.library_size_column = config.library_size_column();
  options.control = config.control();
  options.obs_table = config.obs_table();
  options.layer = config.layer();
  options.matrix = config.matrix();
  options.layout = config.layout();
  options.dose_unit = config.dose_unit();
  options.molecules = config.molecules();
  options.split_column = config.split_column();
  options.treatments.assign(config.treatments().begin(), config.treatments().end());
  options.treatment_column = config.treatment_column();
  options.covariates.assign(config.covariates().begin(), config.covariates().end());
  options.check_perturbations = true;
  options.canonical_smiles = [](const std::string& smiles) {
    return molecule::CanonicalSmiles(smiles);
  };
  if (!config.grn().prior().empty()) {
    // Read when a label is in doubt, once.
    auto genes = std::make_shared<std::optional<std::set<std::string>>>();
    options.known_gene = [genes, prior = config.grn().prior()](const std::string& gene) {
      if (!genes->has_value()) *genes = GenesOfPrior(prior);
      return (*genes)->count(gene) > 0;
    };
  }
  return options;
}

TrainingDataOptions TrainingDataOptionsOf(const TrainConfig& config) {
  TrainingDataOptions options;
  options.balance_conditions = config.balance() == "condition";
  options.validation_fraction = config.validation_fraction();
  options.validate_conditions = config.validation() == "conditions";
  options.seed = config.seed();
  options.molecule_embeddings = config.molecule_embeddings();
  options.treatment_vectors = config.treatment_vectors();
  options.molecule_descriptors = config.molecule_features() == "descriptors";
  return options;
}

cells::PreprocessOptions PreprocessOptionsOf(const TrainConfig& config) {
  cells::PreprocessOptions options;
  options.target_sum = config.target_sum();
  options.genes = config.genes();
  options.hvg_flavor = config.hvg_flavor();
  options.split.kind = config.split();
  options.split.fraction = config.split_fraction();
  options.split.hold_out.assign(config.hold_out().begin(), config.hold_out().end());
  options.split.seed = config.seed();
  return options;
}

}  // namespace unlasting::trainer
