// MakeManifest and MakeReference build what a bundle holds of its data, gene network and settings
// beside the weights.
#pragma once

#include <string>

#include "core/bundle/manifest.h"
#include "core/bundle/reference.h"
#include "core/diffusion/schedule.h"
#include "core/grn/graph.h"
#include "core/model/spec/config.h"
#include "trainer/data/training_data.h"
#include "trainer/response/response_choice.h"
#include "trainer/settings/config.pb.h"

namespace unlasting::trainer {

// `response`: how expected responses were chosen, which `skip_mean=auto` follows.
model::ModelConfig ModelConfigOf(const TrainConfig& config, const TrainingData& data,
                                 const diffusion::Schedule& schedule,
                                 const ResponseChoice& response);

// `out` is the bundle's folder, whose name is the bundle's where the setting `name` is empty.
bundle::Manifest MakeManifest(const TrainConfig& config, const std::string& out,
                              const TrainingData& data, const grn::Graph& graph,
                              const diffusion::Schedule& schedule, const model::ModelConfig& model);

// The control panel, the control statistics and the gene network that ship with the bundle.
bundle::Reference MakeReference(const TrainConfig& config, const TrainingData& data,
                                const grn::Graph& graph);

}  // namespace unlasting::trainer
