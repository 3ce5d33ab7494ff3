#include "core/evaluate/shift_baselines.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <mutex>
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

// The shift of each condition, as the mean over the cell types that had it.
std::vector<TrainedCondition> MeanOverTypes(const std::vector<TrainedCondition>& trained) {
  std::vector<TrainedCondition> merged;
  std::map<std::string, size_t> places;
  std::vector<int64_t> types;
  for (const TrainedCondition& condition : trained) {
    const auto [place, added] = places.emplace(condition.perturbed.key, merged.size());
    if (added) {
      merged.push_back(condition);
      types.push_back(1);
      continue;
    }
    std::vector<double>& shift = merged[place->second].shift;
    for (size_t g = 0; g < shift.size(); ++g) shift[g] += condition.shift[g];
    ++types[place->second];
  }
  for (size_t k = 0; k < merged.size(); ++k) {
    for (double& value : merged[k].shift) value /= static_cast<double>(types[k]);
  }
  return merged;
}

}  // namespace

// The training conditions that a cell type's baselines come from, one entry per condition.
class ShiftBaselines::Pool {
 public:
  Pool(std::vector<TrainedCondition> trained,
       std::shared_ptr<const std::map<std::string, int64_t>> columns)
      : trained_(std::move(trained)), columns_(std::move(columns)) {}

  bool Trained(const std::string& key) const {
    return std::any_of(trained_.begin(), trained_.end(),
                       [&key](const auto& condition) { return condition.perturbed.key == key; });
  }
  std::optional<std::vector<float>> OfCondition(const std::string& key) const;
  // Of the drug at any dose.
  std::optional<std::vector<float>> OfDrug(const std::string& drug) const;
  // Of the gene alone.
  std::optional<std::vector<float>> OfGene(const std::string& gene) const;
  std::optional<std::vector<float>> OfAll() const;
  std::optional<std::vector<float>> Linear(const Perturbed& perturbed) const;

 private:
  std::vector<double> FeaturesOf(const Perturbed& perturbed) const;
  void Fit() const;

  const std::vector<TrainedCondition> trained_;
  const std::shared_ptr<const std::map<std::string, int64_t>> columns_;
  // Fitted when first asked for: a regression takes a while, and most types are not held out.
  mutable std::once_flag fitted_;
  mutable std::optional<Ridge> of_genes_;
  mutable std::optional<Ridge> of_drugs_;
};

void ShiftBaselines::Pool::Fit() const {
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

std::optional<std::vector<float>> ShiftBaselines::Pool::OfCondition(const std::string& key) const {
  return MeanOver(trained_,
                  [&key](const auto& condition) { return condition.perturbed.key == key; });
}

std::optional<std::vector<float>> ShiftBaselines::Pool::OfDrug(const std::string& drug) const {
  if (drug.empty()) return std::nullopt;
  return MeanOver(trained_,
                  [&drug](const auto& condition) { return condition.perturbed.drug == drug; });
}

std::optional<std::vector<float>> ShiftBaselines::Pool::OfGene(const std::string& gene) const {
  return MeanOver(trained_, [&gene](const auto& condition) {
    return condition.perturbed.genes == std::vector<std::string>{gene};
  });
}

std::optional<std::vector<float>> ShiftBaselines::Pool::OfAll() const {
  return MeanOver(trained_, [](const auto&) { return true; });
}

// Empty where a gene is not measured or never answers, and for a drug without a structure. A gene's
// own knockout is no answer: it says what was done, and genes never knocked out have none.
std::vector<double> ShiftBaselines::Pool::FeaturesOf(const Perturbed& perturbed) const {
  if (perturbed.genes.empty()) return perturbed.features;
  std::vector<double> sum(trained_.size());
  for (const std::string& gene : perturbed.genes) {
    const auto column = columns_->find(gene);
    if (column == columns_->end()) return {};
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

std::optional<std::vector<float>> ShiftBaselines::Pool::Linear(const Perturbed& perturbed) const {
  if (Trained(perturbed.key)) return std::nullopt;
  std::call_once(fitted_, [this] { Fit(); });
  const auto& ridge = perturbed.genes.empty() ? of_drugs_ : of_genes_;
  if (!ridge) return std::nullopt;
  const std::vector<double> features = FeaturesOf(perturbed);
  if (features.size() != ridge->features()) return std::nullopt;
  const std::vector<double> shift = ridge->Predict(features);
  return std::vector<float>(shift.begin(), shift.end());
}

ShiftBaselines::ShiftBaselines(std::vector<TrainedCondition> trained,
                               std::map<std::string, int64_t> columns) {
  const auto shared = std::make_shared<const std::map<std::string, int64_t>>(std::move(columns));
  all_ = std::make_shared<const Pool>(MeanOverTypes(trained), shared);
  std::map<std::string, std::vector<TrainedCondition>> by_type;
  for (TrainedCondition& condition : trained) {
    by_type[condition.cell_type].push_back(std::move(condition));
  }
  for (auto& [type, conditions] : by_type) {
    by_type_[type] = std::make_shared<const Pool>(std::move(conditions), shared);
  }
}

const ShiftBaselines::Pool* ShiftBaselines::PoolOf(const std::string& cell_type) const {
  const auto own = by_type_.find(cell_type);
  return own != by_type_.end() ? own->second.get() : all_.get();
}

std::optional<std::vector<float>> ShiftBaselines::MeanShift(const Perturbed& perturbed,
                                                            const std::string& cell_type) const {
  const Pool* own = PoolOf(cell_type);
  if (own == nullptr) return std::nullopt;
  // What was done says more of the change than whom it was done to.
  for (const Pool* pool : {own, all_.get()}) {
    if (auto shift = pool->OfCondition(perturbed.key)) return shift;
  }
  for (const Pool* pool : {own, all_.get()}) {
    if (auto shift = pool->OfDrug(perturbed.drug)) return shift;
  }
  return own->OfAll();
}

std::optional<std::vector<float>> ShiftBaselines::Additive(const Perturbed& perturbed,
                                                           const std::string& cell_type) const {
  const Pool* own = PoolOf(cell_type);
  if (own == nullptr || perturbed.genes.size() < 2) return std::nullopt;
  std::vector<float> sum;
  for (const std::string& gene : perturbed.genes) {
    auto single = own->OfGene(gene);
    if (!single) single = all_->OfGene(gene);
    if (!single) return std::nullopt;
    sum.resize(single->size());
    for (size_t g = 0; g < sum.size(); ++g) sum[g] += (*single)[g];
  }
  return sum;
}

std::optional<std::vector<float>> ShiftBaselines::Linear(const Perturbed& perturbed,
                                                         const std::string& cell_type) const {
  const Pool* pool = PoolOf(cell_type);
  return pool == nullptr ? std::nullopt : pool->Linear(perturbed);
}

void ShiftBaselines::AddTo(const Perturbed& perturbed, const std::string& cell_type,
                           Group* group) const {
  group->mean_shift = MeanShift(perturbed, cell_type);
  if (const auto sum = Additive(perturbed, cell_type)) {
    group->further_baselines["additive"] = Shifted(group->control, *sum);
  }
  if (const auto line = Linear(perturbed, cell_type)) {
    group->further_baselines["linear"] = Shifted(group->control, *line);
  }
  if (!group->mean_shift) return;
  const bool type = HasCellType(cell_type);
  const bool condition = all_->Trained(perturbed.key);
  const bool together = type && PoolOf(cell_type)->Trained(perturbed.key);
  // Of the mean shift; linear is always made within the cell type where training had it.
  const bool drug_elsewhere = !perturbed.drug.empty() && !condition &&
                              !PoolOf(cell_type)->OfDrug(perturbed.drug).has_value() &&
                              all_->OfDrug(perturbed.drug).has_value();
  group->baselines_from = !type ? "other cell types"
                          : condition && !together
                              ? "other cell types, which had the condition (linear: this cell type)"
                          : drug_elsewhere
                              ? "other cell types, which had the drug (linear: this cell type)"
                              : "this cell type";
  group->trained = together            ? "condition and cell type together"
                   : condition && type ? "condition in other cell types, cell type with other "
                                         "conditions"
                   : condition         ? "condition in other cell types"
                   : type              ? "cell type with other conditions"
                                       : "neither condition nor cell type";
}

}  // namespace unlasting::evaluate
