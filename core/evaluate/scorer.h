// Scorer scores groups of predicted cells against their true cells, with the baselines that a model
// must beat, and makes a Scorecard of them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/matrix.h"
#include "core/evaluate/scorecard.h"

namespace unlasting::evaluate {

// One held-out group. All matrices are [cells, genes] log1p values over the same genes.
struct Group {
  std::map<std::string, std::string> key;  // e.g. {"condition": "STAT1+ctrl", "cell_type": "T"}
  DenseMatrix predicted;
  DenseMatrix truth;
  DenseMatrix control;
  // Set for drugs: groups of one drug and cell type at several doses make a dose-response curve.
  std::string drug;
  double dose_um = 0;
  // Training perturbed mean minus control mean, per gene; absent without training cells, and then
  // the mean-shift baseline is left out for this group. ShiftBaselines makes it.
  std::optional<std::vector<float>> mean_shift;
  // What training had of the group; ShiftBaselines says it. "" where nobody does.
  std::string trained;
  std::string baselines_from;
  std::optional<PredictedDistance> predicted_distance;  // what the model says of its own error
  // Predictions of further baselines by name, e.g. "additive", "linear", "mean_shift_rank".
  std::map<std::string, DenseMatrix> further_baselines;
};

// Cells with the shift added to each, no value below 0: what a mean-shift baseline predicts.
DenseMatrix Shifted(const DenseMatrix& control, const std::vector<float>& shift);

// Scores groups one after the other, so that the cells of one group at a time need to be in memory.
class Scorer {
 public:
  explicit Scorer(const ScoreOptions& options);
  ~Scorer();

  // INVALID_ARGUMENT names the group whose matrices differ in genes, are empty or not finite; it is
  // left out then.
  absl::Status Add(const Group& group);
  // Of the groups so far, in the order in which they came. To be called once, at the end.
  Scorecard Finish();

 private:
  struct Gathered;
  ScoreOptions options_;
  std::unique_ptr<Gathered> gathered_;
};

// All of them by one Scorer.
absl::StatusOr<Scorecard> Score(const std::vector<Group>& groups, const ScoreOptions& options);

}  // namespace unlasting::evaluate
