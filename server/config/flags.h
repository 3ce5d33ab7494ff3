// The command line of unlasting-server.
#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "server/config/config.h"

namespace unlasting::server {

// The configuration in force: defaults, then --config, then flags; checked. INVALID_ARGUMENT for
// bad usage. nullopt after --help or --version, which are printed on stdout.
absl::StatusOr<std::optional<ServerConfig>> ParseFlags(int argc, const char* const* argv);

}  // namespace unlasting::server
