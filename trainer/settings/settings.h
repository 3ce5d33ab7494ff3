// Settings gives the commands of unlasting-train their settings: defaults, then a JSON file, then
// --set and flags. What a setting is called, takes and does stands in trainer/settings/config.proto
// alone.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/cli/settings_table.h"
#include "nlohmann/json.hpp"
#include "trainer/settings/config.pb.h"

namespace unlasting::trainer {

const cli::SettingsTable& TrainSettings();

// Every setting at its default.
TrainConfig DefaultConfig();

// Defaults, then the file (where `config_path` is not empty), then the `key=value` overrides in
// order, then what is set in `flags`. INVALID_ARGUMENT names every setting that is unknown, of the
// wrong type or out of range, and what was expected.
absl::StatusOr<TrainConfig> ResolveConfig(const std::string& config_path,
                                          const std::vector<std::string>& overrides,
                                          const TrainConfig& flags = {});

// With the field names of the proto; reads back through ConfigFromJson, which checks no ranges.
nlohmann::json ConfigToJson(const TrainConfig& config);
absl::StatusOr<TrainConfig> ConfigFromJson(const nlohmann::json& json);

// The section of --help that lists all settings.
std::string DescribeSettings();

// Whether the model starts from expected responses (core/model/torch/expected_response.h): the
// paper's recipe has no prior that could be centred on them.
bool HasExpectedResponse(const TrainConfig& config);
// Whether the denoiser has a condition vector (core/model/torch/source_condition.cc).
bool HearsCondition(const TrainConfig& config);
// Whether training draws the noise around the genes' own spread.
bool DrawsByNoise(const TrainConfig& config);
// Whether those of genes that training never perturbed are looked for in the gene network.
bool FollowsGrn(const TrainConfig& config);

}  // namespace unlasting::trainer
