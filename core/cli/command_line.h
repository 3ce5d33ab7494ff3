// The command line is read in one way by every program: parsing, the flags that mirror settings,
// and the flags that print a program's table of settings.
//
// All functions add to an app of CLI11, which the caller owns. What `given` points to outlives the
// parse.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "core/cli/settings_table.h"
#include "google/protobuf/message.h"

namespace CLI {
class App;
}

namespace unlasting::cli {

// Parses the arguments. False where nothing is left to do, since --help, --version or a flag of
// AddSettingsListings printed what was asked for. INVALID_ARGUMENT for bad usage; the message names
// the flag and the --help that lists what is there.
absl::StatusOr<bool> ParseArguments(int argc, const char* const* argv, CLI::App* app);

// Adds a flag for each setting of the table that names one. A flag that is given sets its setting
// in `given`; help and default come from the table.
void AddSettingFlags(const SettingsTable& table, google::protobuf::Message* given, CLI::App* app);

// Adds --settings-schema (JSON Schema of `title`, a settings file) and --settings-table (Markdown,
// as in docs), each of which prints and exits.
void AddSettingsListings(const SettingsTable& table, const std::string& title, CLI::App* app);

}  // namespace unlasting::cli
