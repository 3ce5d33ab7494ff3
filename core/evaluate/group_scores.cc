#include "core/evaluate/group_scores.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/evaluate/differential_expression.h"
#include "core/evaluate/dip.h"
#include "core/evaluate/distances.h"
#include "core/evaluate/resampled_emd.h"
#include "core/evaluate/two_sample.h"
#include "core/evaluate/weighted_change.h"

namespace unlasting::evaluate {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr char kAll[] = "all";
constexpr int kLargestSet = 40;

double SilentShareError(const ColumnStatistics& predicted, const ColumnStatistics& truth) {
  double sum = 0;
  for (size_t g = 0; g < truth.silent_share.size(); ++g) {
    sum += std::abs(predicted.silent_share[g] - truth.silent_share[g]);
  }
  return sum / static_cast<double>(truth.silent_share.size());
}

// Unbiased estimate of the squared discrepancy; NaN where a group has one cell.
double SquaredMmd(const PairSums& cross, const PairSums& x, int64_t n, const PairSums& y,
                  int64_t m) {
  const double nd = static_cast<double>(n), md = static_cast<double>(m);
  return 2 * x.kernel / (nd * (nd - 1)) + 2 * y.kernel / (md * (md - 1)) -
         2 * cross.kernel / (nd * md);
}

std::vector<double> DeltaOver(const GeneSet& set, const std::vector<double>& mean,
                              const ColumnStatistics& control) {
  std::vector<double> delta;
  const auto add = [&](int64_t g) { delta.push_back(mean[g] - control.mean[g]); };
  if (set.name == kAll) {
    for (size_t g = 0; g < mean.size(); ++g) add(static_cast<int64_t>(g));
  } else {
    for (const int64_t g : set.columns) add(g);
  }
  return delta;
}

// Share of the genes of `truth` that are also among the predicted ones.
double Overlap(std::vector<int64_t> truth, std::vector<int64_t> predicted) {
  std::sort(truth.begin(), truth.end());
  std::sort(predicted.begin(), predicted.end());
  std::vector<int64_t> both;
  std::set_intersection(truth.begin(), truth.end(), predicted.begin(), predicted.end(),
                        std::back_inserter(both));
  return static_cast<double>(both.size()) / static_cast<double>(truth.size());
}

// Adds how far the prediction keeps the shape of the set's genes, by their dips.
void AddBimodality(const std::string& set, const std::vector<double>& truth, int64_t n_true,
                   const std::vector<double>& predicted, int64_t n_predicted, Scores* scores) {
  double agreeing = 0, error = 0;
  for (size_t k = 0; k < truth.size(); ++k) {
    agreeing += IsBimodal(truth[k], n_true) == IsBimodal(predicted[k], n_predicted) ? 1 : 0;
    error += std::abs(predicted[k] - truth[k]);
  }
  const double genes = static_cast<double>(truth.size());
  (*scores)["bimodal_agreement." + set] = genes > 0 ? agreeing / genes : kNan;
  (*scores)["dip_error." + set] = genes > 0 ? error / genes : kNan;
}

void AddStructure(const DenseMatrix& predicted, const DenseMatrix& truth,
                  const StructureGenes& genes, uint64_t seed, Scores* scores) {
  const Structure structure = CompareStructure(predicted, truth, genes);
  (*scores)["correlation_error.top50"] = structure.correlation_error;
  (*scores)["correlation_agreement.top50"] = structure.correlation_agreement;
  (*scores)["co_silence_error.top50"] = structure.co_silence_error;
  (*scores)["active_genes_mean.all"] = structure.active_genes_mean;
  (*scores)["active_genes_spread.all"] = structure.active_genes_spread;
  const ToldApart told = TellApart(predicted, truth, seed);
  (*scores)["auc_logistic.all"] = told.logistic;
  (*scores)["auc_knn.all"] = told.knn;
}

// Per resample, the mean over the set's genes of [genes][count] distances.
std::vector<double> MeanOverGenes(const std::vector<float>& emd, const GeneSet& set,
                                  int64_t all_genes, int count) {
  std::vector<double> means(count);
  const auto add = [&](int64_t gene) {
    for (int b = 0; b < count; ++b) means[b] += emd[gene * count + b];
  };
  if (set.name == kAll) {
    for (int64_t gene = 0; gene < all_genes; ++gene) add(gene);
  } else {
    for (const int64_t gene : set.columns) add(gene);
  }
  const auto genes = static_cast<double>(set.name == kAll ? all_genes : set.columns.size());
  for (double& mean : means) mean /= genes;
  return means;
}

}  // namespace

std::vector<RankedGene> MostChangedGenes(const DenseMatrix& truth, const DenseMatrix& control,
                                         Test test) {
  if (truth.rows < 2 || control.rows < 2) return {};
  return TopRanked(RankGenes(truth, control, test), kLargestSet);
}

std::vector<GeneSet> GeneSetsOf(const std::vector<RankedGene>& ranking) {
  std::vector<GeneSet> sets = {{kAll, {}}, {"de20", {}}, {"de40", {}}};
  for (size_t k = 0; k < ranking.size(); ++k) {
    if (k < 20) sets[1].columns.push_back(ranking[k].column);
    sets[2].columns.push_back(ranking[k].column);
  }
  return sets;
}

Reference::Reference(const DenseMatrix& truth, const DenseMatrix& control,
                     std::vector<GeneSet> sets, const ScoreOptions& options, uint64_t seed)
    : truth_(truth),
      control_(control),
      structure_genes_(ChooseStructureGenes(truth, control)),
      change_weights_(ChangeWeights(truth, control)),
      truth_statistics_(StatisticsOf(truth)),
      control_statistics_(StatisticsOf(control)),
      options_(options),
      seed_(seed),
      truth_draws_(truth.rows, options.resamples, seed) {
  PairOptions pairs;
  pairs.threads = options.threads;
  if (options.resamples > 0) pairs.x = &truth_draws_;
  for (GeneSet& set : sets) {
    View view;
    view.set = std::move(set);
    if (view.set.name == kAll) {
      // The mean squared distance between cells is twice the sum of the genes' variances.
      double variance = 0;
      for (const double v : truth_statistics_.variance) variance += v;
      if (variance > 0) gamma_ = 1 / (2 * variance);
      pairs.gamma = gamma_;
      view.within = WithinPairs(truth_, pairs);
    } else if (!view.set.columns.empty()) {
      view.truth = SelectColumns(truth_, view.set.columns);
      pairs.gamma = 0;
      view.within = WithinPairs(view.truth, pairs);
      view.dips = DipsOf(truth_, view.set.columns);
    }
    views_.push_back(std::move(view));
  }
}

MethodScores Reference::ScoresOver(const View& view, const DenseMatrix& predicted,
                                   const Resamples& draws,
                                   const std::vector<float>& resampled_emd) const {
  const std::string& name = view.set.name;
  const bool all = name == kAll;
  MethodScores result;
  EDistances e = {kNan, kNan, kNan, kNan};
  double emd = kNan;
  if (all || !view.set.columns.empty()) {
    const DenseMatrix selected = all ? DenseMatrix() : SelectColumns(predicted, view.set.columns);
    const DenseMatrix& x = all ? predicted : selected;
    const DenseMatrix& y = all ? truth_ : view.truth;
    const bool resampling = options_.resamples > 0;
    PairOptions pairs;
    pairs.threads = options_.threads;
    pairs.gamma = all ? gamma_ : 0;
    if (resampling) {
      pairs.x = &draws;
      pairs.y = &truth_draws_;
    }
    const PairSums cross = CrossPairs(x, y, pairs);
    const PairSums within = WithinPairs(x, pairs);
    e = EDistanceFromSums(cross, within, x.rows, view.within, y.rows);
    emd = Emd(x, y, options_.threads);
    if (all) {
      result.scores["mmd.all"] =
          gamma_ > 0 ? SquaredMmd(cross, within, x.rows, view.within, y.rows) : kNan;
    }
    if (resampling) {
      result.resampled["e_distance.unbiased." + name] =
          ResampledEDistance(cross, within, draws, x.rows, view.within, truth_draws_, y.rows);
      result.resampled["emd." + name] =
          MeanOverGenes(resampled_emd, view.set, truth_.cols, draws.count());
    }
  }
  result.scores["e_distance.paper." + name] = e.paper;
  result.scores["e_distance.unbiased." + name] = e.unbiased;
  result.scores["e_distance.released." + name] = e.released;
  result.scores["e_distance.squared." + name] = e.squared;
  result.scores["emd." + name] = emd;
  return result;
}

Scores Reference::ChangeScoresOf(const std::vector<double>& mean) const {
  Scores scores;
  for (const View& view : views_) {
    const bool defined = view.set.name == kAll || !view.set.columns.empty();
    scores["pearson_delta." + view.set.name] =
        defined ? Pearson(DeltaOver(view.set, mean, control_statistics_),
                          DeltaOver(view.set, truth_statistics_.mean, control_statistics_))
                : kNan;
  }
  const GeneSet all = {kAll, {}};
  const WeightedChange change =
      CompareChanges(DeltaOver(all, mean, control_statistics_),
                     DeltaOver(all, truth_statistics_.mean, control_statistics_), change_weights_);
  scores["weighted_mse_delta.all"] = change.mse;
  scores["weighted_r2_delta.all"] = change.r2;
  return scores;
}

MethodScores Reference::ScoresOf(const DenseMatrix& predicted) const {
  const ColumnStatistics statistics = StatisticsOf(predicted);
  const bool testable = predicted.rows > 1 && control_.rows > 1;
  const DifferentialExpression de =
      testable ? RankGenes(predicted, control_, options_.test) : DifferentialExpression();
  // One seed for all methods: those made from the same control cells are resampled alike.
  const Resamples draws(predicted.rows, options_.resamples, ~seed_);
  const std::vector<float> resampled_emd =
      options_.resamples > 0
          ? ResampledEmd(predicted, draws, truth_, truth_draws_, options_.threads)
          : std::vector<float>();
  MethodScores result;
  Scores& scores = result.scores;
  for (const View& view : views_) {
    const std::string& name = view.set.name;
    const bool all = name == kAll, defined = !view.set.columns.empty();
    MethodScores part = ScoresOver(view, predicted, draws, resampled_emd);
    scores.merge(part.scores);
    result.resampled.merge(part.resampled);
    if (all) continue;
    scores["de_overlap." + name] =
        defined && testable
            ? Overlap(view.set.columns, TopGenes(de, static_cast<int>(view.set.columns.size())))
            : kNan;
    AddBimodality(name, view.dips, truth_.rows, DipsOf(predicted, view.set.columns), predicted.rows,
                  &scores);
  }
  scores.merge(ChangeScoresOf(statistics.mean));
  AddStructure(predicted, truth_, structure_genes_, options_.seed, &scores);
  scores["silent_share_error.all"] = SilentShareError(statistics, truth_statistics_);
  return result;
}

}  // namespace unlasting::evaluate
