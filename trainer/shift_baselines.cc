#include "trainer/shift_baselines.h"

#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "core/cells/normalise.h"
#include "core/molecule/featurizer.h"

namespace unlasting::trainer {
namespace {

// Unit length for the structure, so that a tenfold dose weighs as much as a whole molecule.
std::vector<double> DrugFeatures(const cells::Condition& condition) {
  const auto molecule = molecule::Featurizer::Fingerprint().Featurize(condition.smiles);
  if (!molecule.ok()) return {};
  double squares = 0;
  for (const float value : molecule->features) squares += static_cast<double>(value) * value;
  std::vector<double> features(molecule->features.begin(), molecule->features.end());
  for (double& value : features) value /= std::sqrt(squares);
  features.push_back(condition.dose_um > 0 ? std::log10(condition.dose_um) : 0);
  return features;
}

// By the names that conditions may use: those of var, and symbols.
std::map<std::string, int64_t> ColumnsOf(const cells::Dataset& dataset) {
  std::map<std::string, int64_t> columns;
  for (int64_t g = 0; g < dataset.n_genes(); ++g) {
    const auto symbol = dataset.gene_symbols.find(dataset.genes[g]);
    if (symbol != dataset.gene_symbols.end()) columns.emplace(symbol->second, g);
  }
  for (int64_t g = 0; g < dataset.n_genes(); ++g) columns[dataset.genes[g]] = g;
  return columns;
}

}  // namespace

evaluate::Perturbed PerturbedOf(const cells::Condition& condition, bool with_dose) {
  evaluate::Perturbed perturbed;
  perturbed.key = with_dose ? condition.Key() : condition.name;
  perturbed.genes = condition.genes;
  if (condition.molecule()) {
    perturbed.drug = condition.name;
    perturbed.features = DrugFeatures(condition);
  }
  return perturbed;
}

evaluate::ShiftBaselines BaselinesFrom(const cells::Dataset& training,
                                       const std::vector<bool>& left_out, bool with_dose) {
  std::map<int32_t, std::vector<int64_t>> control;  // by cell type
  std::map<std::string, std::map<int32_t, std::vector<int64_t>>> perturbed;
  std::map<std::string, const cells::Condition*> conditions;
  for (int64_t cell = 0; cell < training.n_cells(); ++cell) {
    if (!left_out.empty() && left_out[cell]) continue;
    const cells::Condition& condition = training.conditions[training.condition[cell]];
    const int32_t type = training.cell_type[cell];
    if (condition.control) {
      control[type].push_back(cell);
      continue;
    }
    const std::string key = with_dose ? condition.Key() : condition.name;
    perturbed[key][type].push_back(cell);
    conditions.emplace(key, &condition);
  }
  std::map<int32_t, std::vector<double>> control_means;
  std::vector<double> mean, unused;
  for (const auto& [type, rows] : control) {
    cells::MeanAndDeviation(training.values, rows, &control_means[type], &unused);
  }
  std::vector<evaluate::TrainedCondition> trained;
  for (const auto& [key, by_type] : perturbed) {
    std::vector<double> shift(training.n_genes());
    int64_t types = 0;
    for (const auto& [type, rows] : by_type) {
      const auto of_control = control_means.find(type);
      if (of_control == control_means.end()) continue;
      cells::MeanAndDeviation(training.values, rows, &mean, &unused);
      for (size_t g = 0; g < shift.size(); ++g) shift[g] += mean[g] - of_control->second[g];
      ++types;
    }
    if (types == 0) continue;
    for (double& value : shift) value /= static_cast<double>(types);
    trained.push_back({PerturbedOf(*conditions.at(key), with_dose), std::move(shift)});
  }
  return {std::move(trained), ColumnsOf(training)};
}

}  // namespace unlasting::trainer
