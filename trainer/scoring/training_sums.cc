#include "trainer/scoring/training_sums.h"

#include <algorithm>
#include <cmath>
#include <limits>

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
std::map<std::string, int64_t> ColumnsOf(const std::vector<std::string>& genes,
                                         const std::map<std::string, std::string>& symbols) {
  std::map<std::string, int64_t> columns;
  for (size_t g = 0; g < genes.size(); ++g) {
    const auto symbol = symbols.find(genes[g]);
    if (symbol != symbols.end()) columns.emplace(symbol->second, g);
  }
  for (size_t g = 0; g < genes.size(); ++g) columns[genes[g]] = static_cast<int64_t>(g);
  return columns;
}

// Conditions are compared as sets of genes.
std::string KeyOf(const cells::Condition& condition, bool with_dose) {
  return with_dose || !condition.genes.empty() ? condition.Identity() : condition.name;
}

std::vector<double> MeanOf(const std::vector<double>& sums, int64_t cells) {
  std::vector<double> mean(sums);
  for (double& value : mean) value /= static_cast<double>(cells);
  return mean;
}

}  // namespace

evaluate::Perturbed PerturbedOf(const cells::Condition& condition, bool with_dose) {
  evaluate::Perturbed perturbed;
  perturbed.key = KeyOf(condition, with_dose);
  perturbed.genes = condition.genes;
  if (condition.treatment) perturbed.drug = condition.name;
  if (condition.molecule()) {
    perturbed.drug = condition.name;
    perturbed.features = DrugFeatures(condition);
  }
  return perturbed;
}

TrainingSums::TrainingSums(const cells::Dataset& annotations, std::vector<bool> left_out,
                           std::vector<std::string> genes, bool with_dose)
    : annotations_(annotations),
      left_out_(std::move(left_out)),
      genes_(std::move(genes)),
      with_dose_(with_dose) {
  for (const cells::Condition& condition : annotations.conditions) {
    keys_.push_back(condition.control ? "" : KeyOf(condition, with_dose));
  }
}

void TrainingSums::Add(int64_t first, const CsrMatrix& block) {
  for (int64_t r = 0; r < block.rows; ++r) {
    const int64_t cell = first + r;
    if (!left_out_.empty() && left_out_[cell]) continue;
    const int32_t index = annotations_.condition[cell];
    OfCondition& condition = sums_[keys_[index]];
    if (condition.condition == nullptr) condition.condition = &annotations_.conditions[index];
    Sums& sums = condition.by_type[annotations_.cell_type[cell]];
    const bool drug = condition.condition->molecule();
    sums.values.resize(genes_.size());
    if (drug) sums.squares.resize(genes_.size());
    if (drug) sums.active.resize(genes_.size());
    ++sums.cells;
    const auto columns = block.RowIndices(r);
    const auto values = block.RowValues(r);
    for (size_t k = 0; k < columns.size(); ++k) {
      const double value = values[k];
      sums.values[columns[k]] += value;
      if (!drug) continue;
      sums.squares[columns[k]] += value * value;
      sums.active[columns[k]] += value != 0;
    }
  }
}

evaluate::ShiftBaselines TrainingSums::Baselines() const {
  std::map<int32_t, std::vector<double>> control_means;
  if (const auto control = sums_.find(""); control != sums_.end()) {
    for (const auto& [type, sums] : control->second.by_type) {
      control_means[type] = MeanOf(sums.values, sums.cells);
    }
  }
  std::vector<evaluate::TrainedCondition> trained;
  for (const auto& [key, condition] : sums_) {
    if (key.empty()) continue;
    std::vector<double> shift(genes_.size());
    int64_t types = 0;
    for (const auto& [type, sums] : condition.by_type) {
      const auto of_control = control_means.find(type);
      if (of_control == control_means.end()) continue;
      const std::vector<double> mean = MeanOf(sums.values, sums.cells);
      for (size_t g = 0; g < shift.size(); ++g) shift[g] += mean[g] - of_control->second[g];
      ++types;
    }
    if (types == 0) continue;
    for (double& value : shift) value /= static_cast<double>(types);
    trained.push_back({PerturbedOf(*condition.condition, with_dose_), std::move(shift)});
  }
  return {std::move(trained), ColumnsOf(genes_, annotations_.gene_symbols)};
}

std::vector<report::TrainedDose> TrainingSums::Doses() const {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  std::vector<report::TrainedDose> doses;
  for (const auto& [key, condition] : sums_) {
    if (key.empty() || !with_dose_ || !condition.condition->molecule()) continue;
    for (const auto& [type, sums] : condition.by_type) {
      const double n = static_cast<double>(sums.cells);
      report::TrainedDose dose = {condition.condition->name,
                                  annotations_.cell_types[type],
                                  condition.condition->dose_um,
                                  sums.cells,
                                  {}};
      dose.statistics.mean = MeanOf(sums.values, sums.cells);
      dose.statistics.variance.assign(genes_.size(), kNan);
      dose.statistics.silent_share.resize(genes_.size());
      for (size_t g = 0; g < genes_.size(); ++g) {
        const double mean = dose.statistics.mean[g];
        if (sums.cells > 1) {
          const double squares = std::max(0.0, sums.squares[g] - n * mean * mean);
          dose.statistics.variance[g] = squares / (n - 1);
        }
        dose.statistics.silent_share[g] = 1 - sums.active[g] / n;
      }
      doses.push_back(std::move(dose));
    }
  }
  return doses;
}

}  // namespace unlasting::trainer
