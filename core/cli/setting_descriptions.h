// CheckDescriptions finds the settings that a program's config.proto does not describe in full, for
// the tests of each program. Stateless; any thread.
#pragma once

#include "absl/status/status.h"
#include "core/cli/settings_table.h"

namespace unlasting::cli {

// INVALID_ARGUMENT names every setting that is not fully described: no help, no presence, or a
// default that its own check refuses.
absl::Status CheckDescriptions(const SettingsTable& table);

}  // namespace unlasting::cli
