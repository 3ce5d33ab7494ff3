// MakeNetworkStatistics gathers, for a network about to be trained, what it knows of the data
// besides its weights: the means and deviations of its skip, the shares of its mask, the edges of
// the gene network and the expected responses.
#pragma once

#include "core/grn/graph.h"
#include "core/model/torch/network.h"
#include "trainer/data/training_data.h"
#include "trainer/response/response_choice.h"
#include "trainer/settings/config.pb.h"

namespace unlasting::trainer {

struct StatisticsOfTraining {
  model::NetworkStatistics statistics;  // in model units; shapes: core/model/torch/network.h
  ResponseChoice response;              // how expected responses were made, where there are any
};
StatisticsOfTraining MakeNetworkStatistics(const TrainingData& data, const grn::Graph& graph,
                                           const TrainConfig& config);

}  // namespace unlasting::trainer
