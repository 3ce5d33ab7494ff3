// SummaryMessage and ModelMessage describe a model in service to clients, as messages of the API.
//
// Pure functions; any thread.
#pragma once

#include "server/models/model_registry.h"
#include "unlasting/v1/model_service.pb.h"

namespace unlasting::server {

// In short. `default_version`: requests that name no version get this one.
v1::ModelSummary SummaryMessage(const ServedModel& model, bool default_version);
// The same, with `models` asked whether the model's version is the default at present.
v1::ModelSummary SummaryMessage(const ModelRegistry& models, const ServedModel& model);

// In full: genes, conditions and molecules known, defaults, and the model card.
v1::Model ModelMessage(const ModelRegistry& models, const ServedModel& model);

}  // namespace unlasting::server
