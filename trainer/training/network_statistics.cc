#include "trainer/training/network_statistics.h"

#include <torch/torch.h>

#include <utility>

#include "core/cells/normalise.h"
#include "trainer/response/condition_moments.h"
#include "trainer/response/context_rule.h"
#include "trainer/response/expected_response.h"
#include "trainer/response/grn_response.h"
#include "trainer/settings/settings.h"
#include "trainer/training/batch_maker.h"

namespace unlasting::trainer {
namespace {

using torch::Tensor;

Tensor ToFloat64(const GeneValues& values) {
  return torch::tensor(std::vector<double>(std::begin(values), std::end(values)), torch::kFloat64);
}

// `x_max` turns log1p values into model units.
model::GrnResponse ToModel(const GrnResponseEstimate& estimate, const grn::Graph& graph,
                           double x_max) {
  model::GrnResponse response;
  const auto types = static_cast<int64_t>(estimate.self_effect.size());
  response.self_effect = torch::zeros({types, graph.nodes()}, torch::kFloat64);
  for (int64_t type = 0; type < types; ++type) {
    const Tensor measured = ToFloat64(estimate.self_effect[type]) / x_max;
    response.self_effect[type].narrow(0, 0, measured.size(0)).copy_(measured);
  }
  response.edge_weights = torch::tensor(estimate.edge_weights, torch::kFloat64);
  response.damping = estimate.damping;
  response.log_variance = ToFloat64(estimate.log_variance) * x_max;
  response.active_logit = ToFloat64(estimate.active_logit) * x_max;
  return response;
}

model::ExpectedResponse ToModel(ExpectedResponseEstimate estimate, double x_max) {
  model::ExpectedResponse response;
  response.nodes = std::move(estimate.nodes);
  response.drugs = ToTensor(estimate.drugs, 1);
  response.drug = std::move(estimate.drug);
  response.log10_dose = std::move(estimate.log10_dose);
  response.mean = ToTensor(estimate.mean, 1).div_(x_max);
  response.log_variance = ToTensor(estimate.log_variance, 1);
  response.active_logit = ToTensor(estimate.active_logit, 1);
  response.met_mean = ToTensor(estimate.met_mean, 1).div_(x_max);
  return response;
}

// [cell types, N]: the share of a type's training control cells in which each gene is active,
// kControlActiveCells included.
Tensor ControlShares(const TrainingData& data) {
  const cells::Prepared& prepared = data.prepared();
  const auto types = static_cast<int64_t>(prepared.data.cell_types.size());
  const Tensor shares = torch::full({types, data.genes()}, kControlActiveCells, torch::kFloat64);
  auto share = shares.accessor<double, 2>();
  for (int64_t type = 0; type < types; ++type) {
    const auto& controls = data.controls(static_cast<int32_t>(type));
    for (const int64_t cell : controls) {
      const auto columns = prepared.data.values.RowIndices(cell);
      const auto values = prepared.data.values.RowValues(cell);
      for (size_t k = 0; k < columns.size(); ++k) {
        if (values[k] > 0) share[type][columns[k]] += 1.0;
      }
    }
    shares[type].div_(static_cast<double>(controls.size()) + 2 * kControlActiveCells);
  }
  return shares;
}

}  // namespace

StatisticsOfTraining MakeNetworkStatistics(const TrainingData& data, const grn::Graph& graph,
                                           const TrainConfig& config) {
  const cells::Prepared& prepared = data.prepared();
  const double scale = 1.0 / prepared.x_max;
  const auto types = static_cast<int64_t>(prepared.data.cell_types.size());
  StatisticsOfTraining result;
  model::NetworkStatistics& statistics = result.statistics;

  std::vector<double> mean, deviation;
  cells::MeanAndDeviation(prepared.data.values, prepared.split.Cells(/*test_cells=*/false), &mean,
                          &deviation);
  const auto of_every_type = [&](const std::vector<double>& values) {
    return torch::tensor(values, torch::kFloat64)
        .mul(scale)
        .to(torch::kFloat32)
        .unsqueeze(0)
        .repeat({types, 1});
  };
  statistics.prior_deviation = of_every_type(deviation);
  statistics.prior_mean = config.prior_mean() == "global"
                              ? of_every_type(mean)
                              : ToTensor(data.control_statistics().mean, scale);

  statistics.active_share = ControlShares(data);
  statistics.edge_indptr = graph.indptr;
  statistics.edge_source.assign(graph.sources.begin(), graph.sources.end());
  if (HasExpectedResponse(config)) {
    const ConditionMoments moments(data);
    const MeasuredResponses measured(moments);
    result.response =
        ChooseResponse(data, moments, measured, config.seed(), static_cast<int>(config.threads()));
    result.response.record["rules"] = RulesRecord(result.response.rules);
    statistics.expected_response =
        ToModel(EstimateExpectedResponse(data, moments, measured, result.response), prepared.x_max);
    if (FollowsGrn(config)) {
      const auto estimate =
          EstimateGrnResponse(data, moments, graph, static_cast<int>(config.threads()));
      if (estimate.has_value()) {
        statistics.expected_response->grn = ToModel(*estimate, graph, prepared.x_max);
      }
    }
  }
  return result;
}

}  // namespace unlasting::trainer
