// The settings of `fit`: defaults, JSON file, --set; typed by trainer/settings/config.proto.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/cells/dataset.h"
#include "core/cells/preprocess.h"
#include "nlohmann/json.hpp"
#include "trainer/data/training_data.h"
#include "trainer/settings/config.pb.h"

namespace unlasting::trainer {

// Every field set.
TrainConfig DefaultConfig();

// Defaults, then the file (where `config_path` is not empty), then the `key=value` overrides in
// order. INVALID_ARGUMENT names the key that is unknown or of the wrong type, and the expected
// type.
absl::StatusOr<TrainConfig> ResolveConfig(const std::string& config_path,
                                          const std::vector<std::string>& overrides);

// With the field names of the proto; reads back through ConfigFromJson.
nlohmann::json ConfigToJson(const TrainConfig& config);
absl::StatusOr<TrainConfig> ConfigFromJson(const nlohmann::json& json);

// Ranges and words, before any data is read. INVALID_ARGUMENT names the setting.
absl::Status CheckConfig(const TrainConfig& config);

// Whether the model starts from expected responses (core/model/torch/expected_response.h): the
// paper's recipe has no skip that could be centred on them.
bool HasExpectedResponse(const TrainConfig& config);
// Whether those of genes that training never perturbed are looked for in the gene network.
bool FollowsGrn(const TrainConfig& config);

// A line per key: name, default, meaning.
std::string DescribeSettings();

cells::LoadOptions LoadOptionsOf(const TrainConfig& config);
cells::PreprocessOptions PreprocessOptionsOf(const TrainConfig& config);
TrainingDataOptions TrainingDataOptionsOf(const TrainConfig& config);

}  // namespace unlasting::trainer
