#include "core/evaluate/shift_baselines.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

namespace unlasting::evaluate {
namespace {

// Over the conditions that are wanted; absent where none is.
std::optional<std::vector<float>> MeanOver(
    const std::vector<TrainedCondition>& trained,
    const std::function<bool(const TrainedCondition&)>& wanted) {
  std::vector<double> sum;
  int64_t conditions = 0;
  for (const TrainedCondition& condition : trained) {
    if (!wanted(condition)) continue;
    sum.resize(condition.shift.size());
    for (size_t g = 0; g < sum.size(); ++g) sum[g] += condition.shift[g];
    ++conditions;
  }
  if (conditions == 0) return std::nullopt;
  std::vector<float> mean;
  mean.reserve(sum.size());
  for (const double value : sum) {
    mean.push_back(static_cast<float>(value / static_cast<double>(conditions)));
  }
  return mean;
}

}  // namespace

ShiftBaselines::ShiftBaselines(std::vector<TrainedCondition> trained,
                               std::map<std::string, int64_t> columns)
    : trained_(std::move(trained)), columns_(std::move(columns)) {
  for (const bool genes : {true, false}) {
    std::vector<std::vector<double>> features, shifts;
    for (const TrainedCondition& condition : trained_) {
      if (condition.perturbed.genes.empty() == genes) continue;
      std::vector<double> row = FeaturesOf(condition.perturbed);
      if (row.empty() || (!features.empty() && row.size() != features[0].size())) continue;
      features.push_back(std::move(row));
      shifts.push_back(condition.shift);
    }
    (genes ? of_genes_ : of_drugs_) = Ridge::Fit(std::move(features), shifts);
  }
}

bool ShiftBaselines::Trained(const std::string& key) const {
  return std::any_of(trained_.begin(), trained_.end(),
                     [&key](const auto& condition) { return condition.perturbed.key == key; });
}

std::optional<std::vector<float>> ShiftBaselines::MeanShift(const Perturbed& perturbed) const {
  auto shift = MeanOver(
      trained_, [&](const auto& condition) { return condition.perturbed.key == perturbed.key; });
  if (!shift && !perturbed.drug.empty()) {
    shift = MeanOver(trained_, [&](const auto& condition) {
      return condition.perturbed.drug == perturbed.drug;
    });
  }
  return shift ? shift : MeanOver(trained_, [](const auto&) { return true; });
}

std::optional<std::vector<float>> ShiftBaselines::Additive(const Perturbed& perturbed) const {
  if (perturbed.genes.size() < 2) return std::nullopt;
  std::vector<float> sum;
  for (const std::string& gene : perturbed.genes) {
    const auto single = MeanOver(trained_, [&gene](const auto& condition) {
      return condition.perturbed.genes == std::vector<std::string>{gene};
    });
    if (!single) return std::nullopt;
    sum.resize(single->size());
    for (size_t g = 0; g < sum.size(); ++g) sum[g] += (*single)[g];
  }
  return sum;
}

// Empty where a gene is not measured or never answers, and for a drug without a structure. A gene's
// own knockout is no answer: it says what was done, and genes never knocked out have none.
std::vector<double> ShiftBaselines::FeaturesOf(const Perturbed& perturbed) const {
  if (perturbed.genes.empty()) return perturbed.features;
  std::vector<double> sum(trained_.size());
  for (const std::string& gene : perturbed.genes) {
    const auto column = columns_.find(gene);
    if (column == columns_.end()) return {};
    std::vector<double> answers(trained_.size());
    double squares = 0;
    for (size_t k = 0; k < trained_.size(); ++k) {
      const auto& knocked_out = trained_[k].perturbed.genes;
      if (std::count(knocked_out.begin(), knocked_out.end(), gene) > 0) continue;
      answers[k] = trained_[k].shift[column->second];
      squares += answers[k] * answers[k];
    }
    if (!(squares > 0)) return {};
    for (size_t k = 0; k < sum.size(); ++k) sum[k] += answers[k] / std::sqrt(squares);
  }
  return sum;
}

std::optional<std::vector<float>> ShiftBaselines::Linear(const Perturbed& perturbed) const {
  const auto& ridge = perturbed.genes.empty() ? of_drugs_ : of_genes_;
  if (!ridge || Trained(perturbed.key)) return std::nullopt;
  const std::vector<double> features = FeaturesOf(perturbed);
  if (features.size() != ridge->features()) return std::nullopt;
  const std::vector<double> shift = ridge->Predict(features);
  return std::vector<float>(shift.begin(), shift.end());
}

void ShiftBaselines::AddTo(const Perturbed& perturbed, Group* group) const {
  group->mean_shift = MeanShift(perturbed);
  if (const auto sum = Additive(perturbed)) {
    group->further_baselines["additive"] = Shifted(group->control, *sum);
  }
  if (const auto line = Linear(perturbed)) {
    group->further_baselines["linear"] = Shifted(group->control, *line);
  }
}

}  // namespace unlasting::evaluate
