#include "trainer/response/condition_moments.h"

#include <algorithm>
#include <cmath>

#include "core/cells/normalise.h"

namespace unlasting::trainer {
namespace {

// Pseudo-counts: this many of the control's cells join a group before its variance and its share
// are taken.
constexpr double kVarianceCells = 10;
constexpr double kShareCells = 2;
// Added to variances of log1p values, which are near zero for nearly silent genes.
constexpr double kSmallestVariance = 2.5e-3;
constexpr double kSmallestShare = 1e-3;  // the same bound as in the mask model's own logits

// Bounds of the kurtosis: few cells of a rarely active gene say little of it.
constexpr double kGaussianKurtosis = 3;
constexpr double kLargestKurtosis = 1e4;

// Sampling variance of LogVarianceOf, by the delta method; the pseudo-counts add none.
GeneValues LogVarianceNoise(const Moments& moments, const Moments& control) {
  const GeneValues own = moments.variance * moments.cells;
  const GeneValues smoothed = own + control.variance * kVarianceCells +
                              kSmallestVariance * (moments.cells + kVarianceCells);
  const GeneValues weight = own / smoothed;
  return (moments.kurtosis - 1.0) / moments.cells * weight * weight;
}

// Sampling variance of the logit of ShareOf.
GeneValues LogitNoise(const Moments& moments, const Moments& control) {
  return ShareOf(moments, control).apply([](double share) {
    const double bounded = std::clamp(share, kSmallestShare, 1 - kSmallestShare);
    return 1 / (bounded * (1 - bounded));
  }) / (moments.cells + kShareCells);
}

// With kControlActiveCells in the share.
Moments ControlMoments(const TrainingData& data, const std::vector<int64_t>& cells) {
  Moments control = MomentsOf(data, cells);
  control.share = (control.share * control.cells + kControlActiveCells) /
                  (control.cells + 2 * kControlActiveCells);
  return control;
}

}  // namespace

Moments MomentsOf(const TrainingData& data, const std::vector<int64_t>& cells) {
  const CsrMatrix& values = data.prepared().data.values;
  std::vector<double> mean, deviation;
  cells::MeanAndDeviation(values, cells, &mean, &deviation);
  Moments moments;
  moments.cells = static_cast<double>(cells.size());
  moments.mean = GeneValues(mean.data(), mean.size());
  moments.variance.resize(deviation.size());
  for (size_t gene = 0; gene < deviation.size(); ++gene) {
    // The deviation of fewer than two cells is not a number.
    if (!std::isnan(deviation[gene])) moments.variance[gene] = deviation[gene] * deviation[gene];
  }
  moments.share.resize(data.genes());
  GeneValues stored(0.0, data.genes()), fourth(0.0, data.genes());
  for (const int64_t cell : cells) {
    const auto columns = values.RowIndices(cell);
    const auto row = values.RowValues(cell);
    for (size_t k = 0; k < columns.size(); ++k) {
      const int32_t gene = columns[k];
      moments.share[gene] += row[k] > 0 ? 1 : 0;
      stored[gene] += 1;
      const double squared = (row[k] - mean[gene]) * (row[k] - mean[gene]);
      fourth[gene] += squared * squared;
    }
  }
  moments.kurtosis.resize(data.genes(), kGaussianKurtosis);
  if (cells.empty()) return moments;
  moments.share /= moments.cells;
  for (size_t gene = 0; gene < mean.size(); ++gene) {
    const double squared = mean[gene] * mean[gene], variance = moments.variance[gene];
    if (variance <= 0) continue;
    const double zeros = moments.cells - stored[gene];
    moments.kurtosis[gene] = std::clamp(
        (fourth[gene] + zeros * squared * squared) / moments.cells / (variance * variance), 1.0,
        kLargestKurtosis);
  }
  return moments;
}

Response& Response::operator+=(const Response& other) {
  mean += other.mean;
  log_variance += other.log_variance;
  active_logit += other.active_logit;
  return *this;
}

Response& Response::operator-=(const Response& other) {
  mean -= other.mean;
  log_variance -= other.log_variance;
  active_logit -= other.active_logit;
  return *this;
}

Response& Response::operator*=(double factor) {
  mean *= factor;
  log_variance *= factor;
  active_logit *= factor;
  return *this;
}

Response operator-(Response a, const Response& b) { return a -= b; }

Response ZeroResponse(int64_t genes) {
  const GeneValues zero(0.0, static_cast<size_t>(genes));
  return {zero, zero, zero};
}

Response MeanOf(const std::vector<Response>& responses, int64_t genes) {
  Response mean = ZeroResponse(genes);
  for (const Response& response : responses) mean += response;
  const auto count = static_cast<double>(std::max<size_t>(responses.size(), 1));
  for (GeneValues* part : {&mean.mean, &mean.log_variance, &mean.active_logit}) *part /= count;
  return mean;
}

GeneValues LogVarianceOf(const Moments& moments, const Moments& control) {
  return std::log((moments.variance * moments.cells + control.variance * kVarianceCells) /
                      (moments.cells + kVarianceCells) +
                  kSmallestVariance);
}

GeneValues ShareOf(const Moments& moments, const Moments& control) {
  return (moments.share * moments.cells + control.share * kShareCells) /
         (moments.cells + kShareCells);
}

GeneValues LogitOf(const GeneValues& share) {
  return share.apply([](double value) {
    const double bounded = std::clamp(value, kSmallestShare, 1 - kSmallestShare);
    return std::log(bounded / (1 - bounded));
  });
}

Response ResponseOf(const Moments& perturbed, const Moments& control) {
  return {perturbed.mean - control.mean,
          LogVarianceOf(perturbed, control) - LogVarianceOf(control, control),
          LogitOf(ShareOf(perturbed, control)) - LogitOf(control.share)};
}

Response ResponseNoise(const Moments& perturbed, const Moments& control) {
  const GeneValues variance =
      (perturbed.variance * perturbed.cells + control.variance * kVarianceCells) /
      (perturbed.cells + kVarianceCells);
  return {variance / perturbed.cells + control.variance / control.cells,
          LogVarianceNoise(perturbed, control) + LogVarianceNoise(control, control),
          LogitNoise(perturbed, control) + LogitNoise(control, control)};
}

ConditionMoments::ConditionMoments(const TrainingData& data) {
  const cells::Dataset& dataset = data.prepared().data;
  for (size_t type = 0; type < dataset.cell_types.size(); ++type) {
    control_.push_back(ControlMoments(data, data.controls(static_cast<int32_t>(type))));
  }
  std::vector<bool> left_out(dataset.n_cells(), false);
  for (const auto& group : data.validation_groups()) {
    for (const int64_t cell : group) left_out[cell] = true;
  }
  for (const int64_t cell : data.prepared().split.Cells(/*test_cells=*/false)) {
    if (left_out[cell]) continue;
    cells_.push_back(cell);
    if (dataset.conditions[dataset.condition[cell]].control) continue;
    groups_[dataset.condition[cell]][dataset.cell_type[cell]].push_back(cell);
  }
  for (const auto& [condition, by_type] : groups_) {
    for (const auto& [type, members] : by_type) {
      perturbed_[condition].emplace(type, MomentsOf(data, members));
    }
  }
}

ConditionMoments ConditionMoments::WithControls(
    const TrainingData& data, const std::vector<std::vector<int64_t>>& controls) const {
  const cells::Dataset& dataset = data.prepared().data;
  ConditionMoments some = *this;
  some.control_.clear();
  some.cells_.clear();
  for (const std::vector<int64_t>& cells : controls) {
    some.control_.push_back(ControlMoments(data, cells));
    some.cells_.insert(some.cells_.end(), cells.begin(), cells.end());
  }
  for (const int64_t cell : cells_) {
    if (!dataset.conditions[dataset.condition[cell]].control) some.cells_.push_back(cell);
  }
  std::sort(some.cells_.begin(), some.cells_.end());
  // A type without control cells has those of all types.
  some.cells_.erase(std::unique(some.cells_.begin(), some.cells_.end()), some.cells_.end());
  return some;
}

ConditionMoments ConditionMoments::Restricted(const TrainingData& data, const Kept& kept) const {
  const cells::Dataset& dataset = data.prepared().data;
  ConditionMoments some;
  some.control_ = control_;
  for (const int64_t cell : cells_) {
    if (dataset.conditions[dataset.condition[cell]].control) some.cells_.push_back(cell);
  }
  for (const auto& [condition, by_type] : groups_) {
    for (const auto& [type, members] : by_type) {
      std::vector<int64_t> cells = kept(condition, type, members);
      if (cells.empty()) continue;
      some.cells_.insert(some.cells_.end(), cells.begin(), cells.end());
      some.perturbed_[condition].emplace(type, cells.size() == members.size()
                                                   ? perturbed_.at(condition).at(type)
                                                   : MomentsOf(data, cells));
      some.groups_[condition].emplace(type, std::move(cells));
    }
  }
  std::sort(some.cells_.begin(), some.cells_.end());
  return some;
}

}  // namespace unlasting::trainer
