// The server's configuration comes from defaults, a JSON file and flags, in rising precedence. What
// a setting is called, takes and does stands in server/config/config.proto alone.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "core/cli/settings_table.h"
#include "server/config/config.pb.h"

namespace unlasting::server {

const cli::SettingsTable& ServerSettings();

// Every setting at its default in `profile`; "" is development. TLS is off.
ServerConfig DefaultConfig(const std::string& profile = "");

// What the file sets, and nothing else; "" sets nothing. `over`, from flags, wins where it sets
// something; lists are appended. What neither sets has its default in the profile that they choose,
// limits of memory lowered to what the machine or container has (memory_limits.h).
// Checked: INVALID_ARGUMENT names every setting that is unknown, of the wrong type, out of range or
// missing.
absl::StatusOr<ServerConfig> ResolveConfig(const std::string& path, const ServerConfig& over);

// Reads back through ResolveConfig.
std::string ConfigAsJson(const ServerConfig& config);

}  // namespace unlasting::server
