#include "trainer/settings/settings.h"

#include <google/protobuf/util/json_util.h>

#include "core/base/status.h"
#include "core/cli/settings.h"
#include "core/cli/settings_reader.h"
#include "core/cli/settings_text.h"

namespace unlasting::trainer {

using nlohmann::json;

const cli::SettingsTable& TrainSettings() {
  static const auto* const table = new cli::SettingsTable(TrainConfig::descriptor());
  return *table;
}

TrainConfig DefaultConfig() {
  TrainConfig config;
  cli::FillDefaults("", &config);
  return config;
}

absl::StatusOr<TrainConfig> ResolveConfig(const std::string& config_path,
                                          const std::vector<std::string>& overrides,
                                          const TrainConfig& flags) {
  TrainConfig config;
  std::vector<std::string> errors;
  if (!config_path.empty()) {
    UNLASTING_ASSIGN_OR_RETURN(const json file, cli::ReadSettingsFile(config_path));
    cli::MergeJson(file, config_path, &config, &errors);
  }
  for (const std::string& text : overrides) cli::MergeAssignment(text, &config, &errors);
  config.MergeFrom(flags);
  cli::FillDefaults("", &config);
  cli::CheckRanges(config, &errors);
  UNLASTING_RETURN_IF_ERROR(cli::SettingErrors(errors));
  return config;
}

json ConfigToJson(const TrainConfig& config) {
  google::protobuf::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string text;
  // Cannot fail for a message without Any fields.
  (void)google::protobuf::util::MessageToJsonString(config, &text, options);
  return json::parse(text);
}

absl::StatusOr<TrainConfig> ConfigFromJson(const json& settings) {
  TrainConfig config;
  std::vector<std::string> errors;
  cli::MergeJson(settings, "settings", &config, &errors);
  UNLASTING_RETURN_IF_ERROR(cli::SettingErrors(errors));
  cli::FillDefaults("", &config);
  return config;
}

std::string DescribeSettings() {
  return absl::StrCat("Settings, with their defaults, for --set KEY=VALUE and --config:\n\n",
                      cli::SettingsHelp(TrainSettings()));
}

bool HasExpectedResponse(const TrainConfig& config) {
  return config.prior_mean() == "expected_response" && config.recipe() == "preconditioned";
}

bool HearsCondition(const TrainConfig& config) {
  return HasExpectedResponse(config) && config.condition_width() > 0;
}

bool DrawsByNoise(const TrainConfig& config) {
  return config.recipe() == "preconditioned" && config.noise_levels() == "log_normal";
}

bool FollowsGrn(const TrainConfig& config) {
  return HasExpectedResponse(config) && config.unseen_genes() == "grn" &&
         config.ablation() != "no_grn";
}

}  // namespace unlasting::trainer
