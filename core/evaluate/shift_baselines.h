// ShiftBaselines predicts what the training cells say about a perturbation without a model: shifts
// of the mean profile.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/evaluate/ridge.h"
#include "core/evaluate/scorer.h"

namespace unlasting::evaluate {

// What was done to some cells, in the terms that a baseline can use.
struct Perturbed {
  std::string key;                 // tells conditions apart; a drug's with its dose where doses do
  std::vector<std::string> genes;  // knocked out; empty for drugs
  std::string drug;
  std::vector<double> features;  // of the drug and its dose, equally long; empty where unknown
};
struct TrainedCondition {
  Perturbed perturbed;
  std::vector<double> shift;  // [genes]: mean of the perturbed cells less that of the control cells
};

// Shifts are [genes] like those of the training. Absent where training gives no ground for one.
class ShiftBaselines {
 public:
  ShiftBaselines() = default;
  // `columns` finds the column of a gene by the names that conditions use.
  ShiftBaselines(std::vector<TrainedCondition> trained, std::map<std::string, int64_t> columns);

  // The condition's own; for one that training never saw that of its drug at other doses, or else
  // the mean over all that was trained on.
  std::optional<std::vector<float>> MeanShift(const Perturbed& perturbed) const;
  // The sum over the genes of a combination, each trained on alone.
  std::optional<std::vector<float>> Additive(const Perturbed& perturbed) const;
  // For a condition that training never saw, ridge regression on features: of a drug its own, of a
  // gene how it answers to the training's perturbations of others (after Ahlmann-Eltze, Huber and
  // Anders, Nature Methods 2025), summed over a combination.
  std::optional<std::vector<float>> Linear(const Perturbed& perturbed) const;

  // Sets the mean shift of the group and adds "additive" and "linear", made from its control cells.
  void AddTo(const Perturbed& perturbed, Group* group) const;

 private:
  bool Trained(const std::string& key) const;
  std::vector<double> FeaturesOf(const Perturbed& perturbed) const;

  std::vector<TrainedCondition> trained_;
  std::map<std::string, int64_t> columns_;
  std::optional<Ridge> of_genes_;
  std::optional<Ridge> of_drugs_;
};

}  // namespace unlasting::evaluate
