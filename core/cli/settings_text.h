// Settings text writes a program's table of settings for those who read it: --help, the tables in
// docs, and the JSON schema that editors and other programs check a settings file with.
#pragma once

#include <string>

#include "core/cli/settings_table.h"
#include "nlohmann/json.hpp"

namespace unlasting::cli {

// Sections of lines "  KEY  DEFAULT  HELP (RANGE)", wrapped to 100 columns; ends with a line end.
std::string SettingsHelp(const SettingsTable& table);

// A Markdown table per section, under headings of level three: setting, type, default, range, what
// it does, and the flag that sets the same where a setting of the table has one.
std::string SettingsMarkdown(const SettingsTable& table);

// JSON Schema (draft 2020-12) of a settings file: types, ranges, words, defaults and descriptions.
// Keys that it does not list are refused, as the programs refuse them.
nlohmann::json SettingsSchema(const SettingsTable& table, const std::string& title);

}  // namespace unlasting::cli
