#include "trainer/data/data_options.h"

namespace unlasting::trainer {

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
  return options;
}

TrainingDataOptions TrainingDataOptionsOf(const TrainConfig& config) {
  TrainingDataOptions options;
  options.balance_conditions = config.balance() == "condition";
  options.validation_fraction = config.validation_fraction();
  options.validate_conditions = config.validation() == "conditions";
  options.seed = config.seed();
  options.molecule_embeddings = config.molecule_embeddings();
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
