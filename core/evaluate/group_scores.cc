#include "core/evaluate/group_scores.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "core/evaluate/differential_expression.h"
#include "core/evaluate/distances.h"

namespace unlasting::evaluate {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr char kAll[] = "all";

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

std::vector<double> DeltaOver(const GeneSet& set, const ColumnStatistics& cells,
                              const ColumnStatistics& control) {
  std::vector<double> delta;
  const auto add = [&](int64_t g) { delta.push_back(cells.mean[g] - control.mean[g]); };
  if (set.name == kAll) {
    for (size_t g = 0; g < cells.mean.size(); ++g) add(static_cast<int64_t>(g));
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

}  // namespace

std::vector<GeneSet> GeneSetsOf(const DenseMatrix& truth, const DenseMatrix& control) {
  std::vector<GeneSet> sets = {{kAll, {}}, {"de20", {}}, {"de40", {}}};
  if (truth.rows < 2 || control.rows < 2) return sets;
  const DifferentialExpression de = RankGenes(truth, control);
  sets[1].columns = TopGenes(de, 20);
  sets[2].columns = TopGenes(de, 40);
  return sets;
}

Reference::Reference(const DenseMatrix& truth, const DenseMatrix& control,
                     std::vector<GeneSet> sets, int threads)
    : truth_(truth),
      control_(control),
      truth_statistics_(StatisticsOf(truth)),
      control_statistics_(StatisticsOf(control)) {
  for (GeneSet& set : sets) {
    View view;
    view.set = std::move(set);
    if (view.set.name == kAll) {
      // The mean squared distance between cells is twice the sum of the genes' variances.
      double variance = 0;
      for (const double v : truth_statistics_.variance) variance += v;
      if (variance > 0) gamma_ = 1 / (2 * variance);
      view.within = WithinPairs(truth_, threads, gamma_);
    } else if (!view.set.columns.empty()) {
      view.truth = SelectColumns(truth_, view.set.columns);
      view.within = WithinPairs(view.truth, threads);
    }
    views_.push_back(std::move(view));
  }
}

Scores Reference::ScoresOf(const DenseMatrix& predicted, int threads) const {
  const ColumnStatistics statistics = StatisticsOf(predicted);
  const bool testable = predicted.rows > 1 && control_.rows > 1;
  const DifferentialExpression de =
      testable ? RankGenes(predicted, control_) : DifferentialExpression();
  Scores scores;
  for (const View& view : views_) {
    const std::string& name = view.set.name;
    const bool all = name == kAll;
    EDistances e = {kNan, kNan, kNan, kNan};
    double emd = kNan, pearson = kNan, overlap = kNan;
    if (all || !view.set.columns.empty()) {
      const DenseMatrix selected = all ? DenseMatrix() : SelectColumns(predicted, view.set.columns);
      const DenseMatrix& x = all ? predicted : selected;
      const DenseMatrix& y = all ? truth_ : view.truth;
      const double gamma = all ? gamma_ : 0;
      const PairSums cross = CrossPairs(x, y, threads, gamma);
      const PairSums within = WithinPairs(x, threads, gamma);
      e = EDistanceFromSums(cross, within, x.rows, view.within, y.rows);
      emd = Emd(x, y, threads);
      pearson = Pearson(DeltaOver(view.set, statistics, control_statistics_),
                        DeltaOver(view.set, truth_statistics_, control_statistics_));
      if (all) {
        scores["mmd.all"] =
            gamma_ > 0 ? SquaredMmd(cross, within, x.rows, view.within, y.rows) : kNan;
      } else if (testable) {
        overlap =
            Overlap(view.set.columns, TopGenes(de, static_cast<int>(view.set.columns.size())));
      }
    }
    scores["e_distance.paper." + name] = e.paper;
    scores["e_distance.unbiased." + name] = e.unbiased;
    scores["e_distance.released." + name] = e.released;
    scores["e_distance.squared." + name] = e.squared;
    scores["emd." + name] = emd;
    scores["pearson_delta." + name] = pearson;
    if (!all) scores["de_overlap." + name] = overlap;
  }
  scores["silent_share_error.all"] = SilentShareError(statistics, truth_statistics_);
  return scores;
}

}  // namespace unlasting::evaluate
