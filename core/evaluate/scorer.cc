#include "core/evaluate/scorer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/evaluate/between_groups.h"
#include "core/evaluate/group_scores.h"
#include "core/evaluate/mean_intervals.h"

namespace unlasting::evaluate {
namespace {

absl::Status CheckMatrix(const DenseMatrix& matrix, const std::string& what, int64_t genes) {
  if (matrix.rows == 0) {
    return absl::InvalidArgumentError(absl::StrCat(what, ": found no cells, expected 1 or more"));
  }
  if (matrix.cols != genes || genes == 0) {
    return absl::InvalidArgumentError(absl::StrCat(what, ": found ", matrix.cols,
                                                   " genes, expected ", genes == 0 ? 1 : genes,
                                                   genes == 0 ? " or more" : " as in the truth"));
  }
  for (size_t k = 0; k < matrix.values.size(); ++k) {
    if (!std::isfinite(matrix.values[k])) {
      return absl::InvalidArgumentError(
          absl::StrCat(what, ": found ", matrix.values[k], " in cell ", k / matrix.cols, ", gene ",
                       k % matrix.cols, " (counted from 0), expected finite values"));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckGroup(const Group& group) {
  const int64_t genes = group.truth.cols;
  UNLASTING_RETURN_IF_ERROR(CheckMatrix(group.truth, "true cells", genes));
  UNLASTING_RETURN_IF_ERROR(CheckMatrix(group.predicted, "predicted cells", genes));
  UNLASTING_RETURN_IF_ERROR(CheckMatrix(group.control, "control cells", genes));
  for (const auto& [name, cells] : group.further_baselines) {
    UNLASTING_RETURN_IF_ERROR(CheckMatrix(cells, absl::StrCat("baseline ", name), genes));
  }
  if (!group.mean_shift) return absl::OkStatus();
  if (static_cast<int64_t>(group.mean_shift->size()) != genes) {
    return absl::InvalidArgumentError(
        absl::StrCat("mean shift: found ", group.mean_shift->size(), " genes, expected ", genes));
  }
  for (const float shift : *group.mean_shift) {
    if (!std::isfinite(shift)) {
      return absl::InvalidArgumentError(
          absl::StrCat("mean shift: found ", shift, ", expected finite values"));
    }
  }
  return absl::OkStatus();
}

// The true cells in two random halves; the shuffle is spelt out so that a seed means the same with
// every standard library.
std::pair<DenseMatrix, DenseMatrix> Halves(const DenseMatrix& truth, uint64_t seed) {
  std::vector<int64_t> order(truth.rows);
  std::iota(order.begin(), order.end(), 0);
  std::mt19937_64 random(seed);
  for (size_t k = order.size(); k > 1; --k) std::swap(order[k - 1], order[random() % k]);
  const absl::Span<const int64_t> cells(order);
  const size_t half = order.size() / 2;
  return {SelectRows(truth, cells.subspan(0, half)), SelectRows(truth, cells.subspan(half))};
}

// The means of a half of the true cells where its test against control is sure, and towards the
// mean response (no change where none is known) as far as it is not.
std::vector<double> InterpolatedDuplicate(const DenseMatrix& half, const Group& group, Test test) {
  std::vector<double> mean = StatisticsOf(half).mean;
  if (half.rows < 2 || group.control.rows < 2) return mean;
  const std::vector<double> control = StatisticsOf(group.control).mean;
  const std::vector<double> p = RankGenes(half, group.control, test).p_adjusted;
  for (size_t g = 0; g < mean.size(); ++g) {
    const double shift = group.mean_shift ? static_cast<double>((*group.mean_shift)[g]) : 0;
    mean[g] += p[g] * (control[g] + shift - mean[g]);
  }
  return mean;
}

struct Scored {
  GroupScores scores;
  GroupMeans means;
  GroupResamples resampled;
};

Intervals IntervalsOf(const MethodScores& method) {
  Intervals intervals;
  for (const auto& [name, values] : method.resampled) {
    intervals[name] = IntervalAround(method.scores.at(name), values);
  }
  return intervals;
}

Scored ScoreGroup(const Group& group, const ScoreOptions& options, uint64_t seed) {
  Scored result;
  GroupScores& scores = result.scores;
  scores.key = group.key;
  scores.n_predicted = group.predicted.rows;
  scores.n_true = group.truth.rows;
  scores.n_control = group.control.rows;
  scores.trained = group.trained;
  scores.baselines_from = group.baselines_from;
  scores.predicted = group.predicted_distance;

  scores.most_changed = MostChangedGenes(group.truth, group.control, options.test);
  const std::vector<GeneSet> sets = GeneSetsOf(scores.most_changed);
  const Reference reference(group.truth, group.control, sets, options, seed);
  MethodScores model = reference.ScoresOf(group.predicted);
  scores.intervals = IntervalsOf(model);
  scores.scores = std::move(model.scores);
  result.resampled[""] = std::move(model.resampled);
  result.means.truth = StatisticsOf(group.truth).mean;
  result.means.methods[""] = StatisticsOf(group.predicted).mean;
  const auto type = group.key.find("cell_type");
  if (type != group.key.end()) result.means.cell_type = type->second;

  const auto add = [&](const std::string& name, const Reference& against,
                       const DenseMatrix& cells) {
    MethodScores method = against.ScoresOf(cells);
    scores.baseline_intervals[name] = IntervalsOf(method);
    scores.baselines[name] = std::move(method.scores);
    scores.baseline_cells[name] = cells.rows;
    result.resampled[name] = std::move(method.resampled);
    result.means.methods[name] = StatisticsOf(cells).mean;
  };
  add("no_change", reference, group.control);
  if (group.mean_shift) add("mean_shift", reference, Shifted(group.control, *group.mean_shift));
  for (const auto& [name, cells] : group.further_baselines) add(name, reference, cells);
  // Halves of fewer than two cells have no spread to compare.
  if (group.truth.rows >= 4) {
    const auto [half, other] = Halves(group.truth, seed);
    const Reference against(other, group.control, sets, options, seed);
    add("ceiling", against, half);
    scores.interpolated_duplicate =
        against.ChangeScoresOf(InterpolatedDuplicate(half, group, options.test));
  }
  return result;
}

// Per score, the mean of the defined values; NaN where none is.
Scores MeanOf(const std::vector<const Scores*>& all) {
  std::map<std::string, std::pair<double, int64_t>> sums;
  for (const Scores* scores : all) {
    for (const auto& [name, value] : *scores) {
      auto& [sum, count] = sums[name];
      if (std::isnan(value)) continue;
      sum += value;
      ++count;
    }
  }
  Scores mean;
  for (const auto& [name, sum] : sums) {
    mean[name] = sum.second > 0 ? sum.first / static_cast<double>(sum.second)
                                : std::numeric_limits<double>::quiet_NaN();
  }
  return mean;
}

}  // namespace

DenseMatrix Shifted(const DenseMatrix& control, const std::vector<float>& shift) {
  DenseMatrix shifted = control;
  for (int64_t r = 0; r < shifted.rows; ++r) {
    const auto row = shifted.Row(r);
    for (size_t g = 0; g < row.size(); ++g) row[g] = std::max(0.0f, row[g] + shift[g]);
  }
  return shifted;
}

struct Scorer::Gathered {
  Scorecard card;
  std::vector<GroupMeans> means;
  std::vector<GroupResamples> resampled;
};

Scorer::Scorer(const ScoreOptions& options)
    : options_(options), gathered_(std::make_unique<Gathered>()) {}
Scorer::~Scorer() = default;

absl::Status Scorer::Add(const Group& group) {
  const std::string name = absl::StrCat("group ", GroupName(group.key));
  UNLASTING_RETURN_IF_ERROR(Annotate(CheckGroup(group), name));
  auto& [card, means, resampled] = *gathered_;
  if (!means.empty() && group.truth.cols != static_cast<int64_t>(means[0].truth.size())) {
    return absl::InvalidArgumentError(absl::StrCat(name, ": found ", group.truth.cols,
                                                   " genes, expected ", means[0].truth.size(),
                                                   " as in the first group"));
  }
  Scored scored = ScoreGroup(group, options_, options_.seed + card.groups.size());
  card.groups.push_back(std::move(scored.scores));
  means.push_back(std::move(scored.means));
  resampled.push_back(std::move(scored.resampled));
  return absl::OkStatus();
}

Scorecard Scorer::Finish() {
  Scorecard card = std::move(gathered_->card);
  AddScoresBetweenGroups(gathered_->means, &card.groups);
  std::vector<const Scores*> model;
  std::map<std::string, std::vector<const Scores*>> baselines;
  for (const GroupScores& group : card.groups) {
    model.push_back(&group.scores);
    for (const auto& [name, scores] : group.baselines) baselines[name].push_back(&scores);
  }
  card.mean = MeanOf(model);
  for (const auto& [name, scores] : baselines) card.baselines[name] = MeanOf(scores);
  AddIntervalsOfMeans(gathered_->resampled, &card);
  return card;
}

absl::StatusOr<Scorecard> Score(const std::vector<Group>& groups, const ScoreOptions& options) {
  Scorer scorer(options);
  for (const Group& group : groups) UNLASTING_RETURN_IF_ERROR(scorer.Add(group));
  return scorer.Finish();
}

}  // namespace unlasting::evaluate
