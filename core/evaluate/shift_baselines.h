// ShiftBaselines predicts what the training cells say about a perturbation without a model: shifts
// of the mean profile.
#pragma once

#include <map>
#include <memory>
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
  // [genes]: mean of the perturbed cells less that of the control cells, both of `cell_type`.
  std::vector<double> shift;
  std::string cell_type;
};

// Shifts are [genes] like those of the training. Absent where training gives no ground for one.
//
// A group's baselines come from the training's perturbed cells of the group's own cell type. Where
// training had none, they come from those of the other cell types, where the shift of a condition
// is the mean over the types that had it; so do the mean shift of a condition, the mean shift of a
// drug and the additive part of a gene that training had in other cell types alone. Any thread may
// call const members.
class ShiftBaselines {
 public:
  ShiftBaselines() = default;
  // One entry per condition and cell type. `columns` finds the column of a gene by the names that
  // conditions use.
  ShiftBaselines(std::vector<TrainedCondition> trained, std::map<std::string, int64_t> columns);

  // Whether perturbed cells of the type were trained on: then baselines are the type's own.
  bool HasCellType(const std::string& cell_type) const { return by_type_.count(cell_type) > 0; }

  // The condition's own, in this cell type or else in the others; for one that training never saw
  // that of its drug at other doses, likewise; or else the mean over all that was trained on.
  std::optional<std::vector<float>> MeanShift(const Perturbed& perturbed,
                                              const std::string& cell_type = "") const;
  // The sum over the genes of a combination, each trained on alone.
  std::optional<std::vector<float>> Additive(const Perturbed& perturbed,
                                             const std::string& cell_type = "") const;
  // For a condition that training never saw, ridge regression on features: of a drug its own, of a
  // gene how it answers to the training's perturbations of others (after Ahlmann-Eltze, Huber and
  // Anders, Nature Methods 2025), summed over a combination.
  std::optional<std::vector<float>> Linear(const Perturbed& perturbed,
                                           const std::string& cell_type = "") const;

  // Sets the mean shift of the group and adds "additive" and "linear", made from its control cells;
  // says what training had of the group and where the baselines come from.
  void AddTo(const Perturbed& perturbed, const std::string& cell_type, Group* group) const;

 private:
  class Pool;

  const Pool* PoolOf(const std::string& cell_type) const;

  // Null without training cells.
  std::shared_ptr<const Pool> all_;  // of every cell type, for types that training lacks
  std::map<std::string, std::shared_ptr<const Pool>> by_type_;
};

}  // namespace unlasting::evaluate
