#include "trainer/response/condition_moments.h"

#include "core/cells/normalise.h"

namespace unlasting::trainer {
namespace {

using torch::Tensor;

// Spread of few cells is drawn towards the control's: as many control cells join them.
constexpr double kVarianceCells = 10;
constexpr double kShareCells = 2;
constexpr double kSmallestVariance = 2.5e-3;  // of log1p values, added: of nearly silent genes
constexpr double kSmallestShare = 1e-3;       // as the mask model's own logits

Moments MomentsOf(const TrainingData& data, const std::vector<int64_t>& cells) {
  const CsrMatrix& values = data.prepared().data.values;
  std::vector<double> mean, deviation, active(data.genes(), 0.0);
  cells::MeanAndDeviation(values, cells, &mean, &deviation);
  for (const int64_t cell : cells) {
    const auto columns = values.RowIndices(cell);
    const auto row = values.RowValues(cell);
    for (size_t k = 0; k < columns.size(); ++k) active[columns[k]] += row[k] > 0 ? 1 : 0;
  }
  Moments moments;
  moments.cells = static_cast<double>(cells.size());
  moments.mean = torch::tensor(mean, torch::kFloat64);
  moments.variance = torch::tensor(deviation, torch::kFloat64).nan_to_num().square();
  moments.share = torch::tensor(active, torch::kFloat64) / moments.cells;
  return moments;
}

}  // namespace

Response operator-(const Response& a, const Response& b) {
  return {a.mean - b.mean, a.log_variance - b.log_variance, a.active_logit - b.active_logit};
}

Response MeanOf(const std::vector<Response>& responses, int64_t genes) {
  const Tensor none = torch::zeros({genes}, torch::kFloat64);
  Response sum{none.clone(), none.clone(), none.clone()};
  for (const Response& response : responses) {
    sum.mean += response.mean;
    sum.log_variance += response.log_variance;
    sum.active_logit += response.active_logit;
  }
  const auto count = static_cast<double>(std::max<size_t>(responses.size(), 1));
  return {sum.mean / count, sum.log_variance / count, sum.active_logit / count};
}

Tensor LogVarianceOf(const Moments& moments, const Moments& control) {
  return torch::log((moments.variance * moments.cells + control.variance * kVarianceCells) /
                        (moments.cells + kVarianceCells) +
                    kSmallestVariance);
}

Tensor ShareOf(const Moments& moments, const Moments& control) {
  return (moments.share * moments.cells + control.share * kShareCells) /
         (moments.cells + kShareCells);
}

Tensor LogitOf(const Tensor& share) { return torch::logit(share, kSmallestShare); }

Response ResponseOf(const Moments& perturbed, const Moments& control) {
  return {perturbed.mean - control.mean,
          LogVarianceOf(perturbed, control) - LogVarianceOf(control, control),
          LogitOf(ShareOf(perturbed, control)) - LogitOf(control.share)};
}

ConditionMoments::ConditionMoments(const TrainingData& data) {
  const cells::Dataset& dataset = data.prepared().data;
  for (size_t type = 0; type < dataset.cell_types.size(); ++type) {
    control_.push_back(MomentsOf(data, data.controls(static_cast<int32_t>(type))));
  }
  std::vector<bool> left_out(dataset.n_cells(), false);
  for (const auto& group : data.validation_groups()) {
    for (const int64_t cell : group) left_out[cell] = true;
  }
  std::map<int32_t, std::map<int32_t, std::vector<int64_t>>> groups;
  for (const int64_t cell : data.prepared().split.Cells(/*test_cells=*/false)) {
    if (left_out[cell]) continue;
    cells_.push_back(cell);
    if (dataset.conditions[dataset.condition[cell]].control) continue;
    groups[dataset.condition[cell]][dataset.cell_type[cell]].push_back(cell);
  }
  for (const auto& [condition, by_type] : groups) {
    for (const auto& [type, members] : by_type) {
      perturbed_[condition].emplace(type, MomentsOf(data, members));
    }
  }
}

}  // namespace unlasting::trainer
