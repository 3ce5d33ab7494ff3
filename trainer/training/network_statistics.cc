// What the networks know of the data besides their weights.
#include <torch/torch.h>

#include "trainer/response/expected_response.h"
#include "trainer/response/grn_response.h"
#include "trainer/settings/settings.h"
#include "trainer/training/batch_maker.h"
#include "trainer/training/training.h"

namespace unlasting::trainer {

using torch::Tensor;

model::NetworkStatistics StatisticsOf(const TrainingData& data, const grn::Graph& graph,
                                      const TrainConfig& config) {
  const cells::Prepared& prepared = data.prepared();
  const double scale = 1.0 / prepared.x_max;
  const auto types = static_cast<int64_t>(prepared.data.cell_types.size());
  const int64_t genes = data.genes();
  model::NetworkStatistics statistics;

  std::vector<double> mean, deviation;
  const std::vector<int64_t> training = prepared.split.Cells(/*test_cells=*/false);
  cells::MeanAndDeviation(prepared.data.values, training, &mean, &deviation);
  const Tensor overall_deviation =
      torch::tensor(deviation, torch::kFloat64).mul(scale).to(torch::kFloat32);
  statistics.prior_deviation = overall_deviation.unsqueeze(0).repeat({types, 1});
  if (config.prior_mean() != "global") {
    statistics.prior_mean = ToTensor(data.control_statistics().mean, scale);
  } else {
    statistics.prior_mean = torch::tensor(mean, torch::kFloat64)
                                .mul(scale)
                                .to(torch::kFloat32)
                                .unsqueeze(0)
                                .repeat({types, 1});
  }

  statistics.active_share = torch::zeros({types, genes}, torch::kFloat64);
  auto share = statistics.active_share.accessor<double, 2>();
  for (int64_t type = 0; type < types; ++type) {
    const auto& controls = data.controls(static_cast<int32_t>(type));
    for (const int64_t cell : controls) {
      const auto columns = prepared.data.values.RowIndices(cell);
      const auto values = prepared.data.values.RowValues(cell);
      for (size_t k = 0; k < columns.size(); ++k) {
        if (values[k] > 0) share[type][columns[k]] += 1.0 / static_cast<double>(controls.size());
      }
    }
  }
  // Shrunk in logits: with weight 1 the network learns each type's change from its own control,
  // with 0 the mean over training types; an unseen type is best served between the two. Expected
  // responses shrink by themselves, and for unseen types alone.
  const double weight = HasExpectedResponse(config) ? 1.0 : config.mask_prior();
  statistics.active_share = torch::sigmoid(weight * torch::logit(statistics.active_share, 1e-3));
  statistics.edge_indptr = graph.indptr;
  statistics.edge_source.assign(graph.sources.begin(), graph.sources.end());
  if (HasExpectedResponse(config)) {
    const ConditionMoments moments(data);
    statistics.expected_response = EstimateExpectedResponse(data, moments, config);
    if (FollowsGrn(config)) {
      statistics.expected_response->grn = EstimateGrnResponse(data, moments, graph);
    }
  }
  return statistics;
}

}  // namespace unlasting::trainer
