#include "server/config/config.h"

#include <vector>

#include "core/base/status.h"
#include "core/cli/settings.h"
#include "core/cli/settings_reader.h"
#include "google/protobuf/util/json_util.h"
#include "server/config/memory_limits.h"

namespace unlasting::server {
namespace {

// What no setting can be checked for alone.
void CheckTogether(const ServerConfig& config, std::vector<std::string>* errors) {
  if (config.bundles().empty()) {
    errors->push_back("bundles: found none, expected a model to serve; name one with --bundle DIR");
  }
  if (config.admin().enabled() && config.auth_tokens().empty()) {
    errors->push_back(
        "admin.enabled (--enable-admin): found true without auth_tokens (--auth-tokens), expected "
        "a "
        "file of tokens; only a token with the role admin may load models");
  }
}

}  // namespace

const cli::SettingsTable& ServerSettings() {
  static const auto* const table = new cli::SettingsTable(ServerConfig::descriptor());
  return *table;
}

ServerConfig DefaultConfig(const std::string& profile) {
  ServerConfig config;
  if (!profile.empty()) config.set_profile(profile);
  cli::FillDefaults(profile, &config);
  return config;
}

absl::StatusOr<ServerConfig> ResolveConfig(const std::string& path, const ServerConfig& over) {
  ServerConfig config;
  std::vector<std::string> errors;
  if (!path.empty()) {
    UNLASTING_ASSIGN_OR_RETURN(const nlohmann::json file, cli::ReadSettingsFile(path));
    cli::MergeJson(file, path, &config, &errors);
  }
  config.MergeFrom(over);
  const MemoryConfig set = config.memory();
  cli::FillDefaults(config.profile(), &config);
  FitMemoryLimits(set, AvailableMemory(), &config);
  cli::CheckRanges(config, &errors);
  CheckTogether(config, &errors);
  UNLASTING_RETURN_IF_ERROR(cli::SettingErrors(errors));
  return config;
}

std::string ConfigAsJson(const ServerConfig& config) {
  google::protobuf::util::JsonPrintOptions options;
  options.add_whitespace = true;
  options.always_print_primitive_fields = true;
  options.preserve_proto_field_names = true;
  std::string json;
  // A message of ours has nothing that JSON cannot hold.
  static_cast<void>(google::protobuf::util::MessageToJsonString(config, &json, options));
  return json;
}

}  // namespace unlasting::server
