// Flags are how operators start unlasting-server: the command line, the file that it names, and the
// checked configuration that the two give.
#pragma once

#include <optional>

#include "absl/status/statusor.h"
#include "server/config/config.h"

namespace unlasting::server {

// The configuration in force: defaults, then --config, then flags; checked. INVALID_ARGUMENT for
// bad usage. nullopt where there is nothing to serve, since what was asked for was printed on
// stdout: --help,
// --version, --print-config, --settings-schema, --settings-table.
absl::StatusOr<std::optional<ServerConfig>> ParseFlags(int argc, const char* const* argv);

}  // namespace unlasting::server
