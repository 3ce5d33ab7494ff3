// The server's configuration: defaults, a JSON file, flags, in rising precedence.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "server/config/config.pb.h"

namespace unlasting::server {

// Every field set to its default in `profile`; "" is development.
ServerConfig DefaultConfig(const std::string& profile = "");

// INVALID_ARGUMENT names the file and the unknown or mistyped field.
absl::StatusOr<ServerConfig> ReadConfig(const std::string& path);

// `over` wins where it sets a field; lists are appended.
ServerConfig MergeConfig(ServerConfig base, const ServerConfig& over);

// INVALID_ARGUMENT names the first field that is out of range or missing.
absl::Status CheckConfig(const ServerConfig& config);

// What ReadConfig reads back.
std::string ConfigAsJson(const ServerConfig& config);

}  // namespace unlasting::server
