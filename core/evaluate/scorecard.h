// Scorecard holds the scores of predicted cells against true cells of the same condition and cell
// type, and the same scores for the baselines that a model must beat; scorer.h computes them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/evaluate/bootstrap.h"
#include "core/evaluate/differential_expression.h"
#include "nlohmann/json.hpp"

namespace unlasting::evaluate {

// Score names; a score that its cells leave undefined (one cell, a constant) is NaN, null in JSON.
//   e_distance.{paper,unbiased,released,squared}.{all,de20,de40}, emd.{all,de20,de40}
//   pearson_delta.{all,de20,de40}: correlation over genes of mean(predicted) - mean(control) with
//       mean(truth) - mean(control)
//   silent_share_error.all: mean over genes of the absolute difference of the shares of zero cells
//   de_overlap.{de20,de40}: share of the set that the prediction's own test against control finds
//   mmd.all: squared maximum mean discrepancy, unbiased, of the kernel exp(-d^2 / s) with s the
//       mean squared distance between true cells
//   bimodal_agreement.{de20,de40}: share of the set's genes that Hartigan's dip test finds bimodal
//       in both the true and the predicted cells, or in neither
//   dip_error.{de20,de40}: mean over the set of the absolute difference of the two dips
//   auc_logistic.all, auc_knn.all: how well a classifier tells predicted from true cells; 0.5 is
//       best
//   correlation_error.top50, correlation_agreement.top50: root mean square difference, and
//       correlation, over gene pairs of the genes' correlations across cells
//   co_silence_error.top50: root mean square difference over gene pairs of the shares of cells that
//       silence both genes
//   active_genes_mean.all, active_genes_spread.all: of the number of active genes per cell, the
//       predicted mean and standard deviation over the true ones; 1 is best
//   weighted_mse_delta.all, weighted_r2_delta.all: error of the mean change and share of it that
//       is explained, genes weighted by how strongly the truth changes them
// and, where two groups or more share a cell type:
//   pearson_delta_perturbed.all: as pearson_delta, against the mean of the type's true groups
//   discrimination.all: share of the type's other groups whose true mean lies farther from the
//       predicted mean than the group's own; 1 is best, 0.5 is chance
// DE sets: top by |score| of a test of truth against control, a Welch t-test unless asked
// otherwise.
using Scores = std::map<std::string, double>;

// 95 % bootstrap intervals over cells, true and predicted ones both resampled, of
// e_distance.unbiased.* and emd.*. They hold the DE sets and the model fixed.
using Intervals = std::map<std::string, Interval>;

// The model's own word on its unbiased E-distance, all genes, before the truth is looked at.
struct PredictedDistance {
  double expected = 0;
  double low = 0, high = 0;  // where `calibrated`, an interval
  bool calibrated = false;
  std::string kind;      // what was asked, e.g. "new gene, seen context"
  int32_t left_out = 0;  // errors of the kind that training made where it left the truth out
};

struct GroupScores {
  std::map<std::string, std::string> key;
  int64_t n_predicted = 0;
  int64_t n_true = 0;
  int64_t n_control = 0;
  // What training had of the group, as ShiftBaselines says: "condition and cell type together",
  // "condition in other cell types, cell type with other conditions", "condition in other cell
  // types", "cell type with other conditions" or "neither condition nor cell type"; "" where it is
  // not known.
  std::string trained;
  // Which training cells the mean shift and what is made of it come from: "this cell type" or
  // "other cell types"; "" where there is none.
  std::string baselines_from;
  std::optional<PredictedDistance> predicted;  // absent where the model does not say
  Scores scores;
  // "no_change" (the control cells), "mean_shift" (control + shift, clipped at 0), "ceiling" (one
  // half of the true cells against the other, seeded), and the further ones: "additive", "linear",
  // "mean_shift_rank".
  std::map<std::string, Scores> baselines;
  // The scores of mean changes of the interpolated duplicate, the positive control of Calibrate: of
  // one half of the true cells, each gene as far towards the mean response as that half's own test
  // leaves it undecided. Empty where there is no "ceiling".
  Scores interpolated_duplicate;
  std::map<std::string, int64_t> baseline_cells;  // how many cells stand for each baseline
  Intervals intervals;
  std::map<std::string, Intervals> baseline_intervals;
  std::vector<RankedGene> most_changed;  // the genes of de40, best first; de20 are the first twenty
};

// The model's score less a baseline's, mean over the groups that have both.
struct Difference {
  double value = 0;
  Interval interval;
  // Whether the cells at hand tell the two apart.
  bool beyond_noise() const { return interval.low > 0 || interval.high < 0; }
};

struct Scorecard {
  std::vector<GroupScores> groups;
  Scores mean;                              // over the groups where the score is defined
  std::map<std::string, Scores> baselines;  // means over the groups that have the baseline
  Intervals mean_intervals;
  std::map<std::string, Intervals> baseline_intervals;
  // By baseline and score; empty where nothing was resampled.
  std::map<std::string, std::map<std::string, Difference>> differences;
  // Keys `groups` (each with its own `baselines`, `solved_by`, see Calibration, and `trained` and
  // `baselines_from` where they are known, and `predicted_error` where the model says it), `mean`,
  // `baselines`, `dynamic_range`, `verdict` and, with predicted errors, `risk_coverage`
  // (core/evaluate/risk_coverage.h); and where cells were resampled `intervals` and
  // `baseline_intervals` ([low, high]) beside each of the former, and `differences` ({value, low,
  // high}). With the names of all genes, each group has `most_changed`: the genes of de40 with
  // score, log2_fold_change, p_value and p_adjusted.
  nlohmann::json ToJson(const std::vector<std::string>& genes = {}) const;
  // A table for a terminal: a row a group and method, E-distance (unbiased) and EMD on all genes,
  // DE20, DE40, Pearson delta, structure, sample sizes; then the means and one sentence that says
  // whether the model beats no change and mean shift.
  std::string ToTable() const;
  // Those sentences, with the number of groups behind them: against no change, mean shift and the
  // further baselines there are, and where sampling noise hides which is nearer.
  std::string Verdict() const;
  // Which of the groups training had seen, and from which cells the baselines come, in sentences;
  // "" where it is not known.
  std::string TrainedText() const;
};

// "STAT1+ctrl / THP-1": the condition first, then the rest of the key.
std::string GroupName(const std::map<std::string, std::string>& key);

struct ScoreOptions {
  int threads = 2;
  uint64_t seed = 0;
  int resamples = 200;       // of the intervals; 0 leaves them out
  Test test = Test::kWelch;  // of the DE sets and of de_overlap
};

}  // namespace unlasting::evaluate
