#include "core/cli/command_line.h"

#include <iostream>
#include <string>
#include <utility>

#include "CLI/CLI.hpp"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/cli/settings.h"
#include "core/cli/settings_text.h"
#include "core/cli/value_checks.h"

namespace unlasting::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The program and the subcommands that were named: "unlasting-train fit".
std::string CommandOf(const CLI::App& app) {
  std::string command = app.get_name();
  const CLI::App* deepest = &app;
  while (!deepest->get_subcommands().empty()) {
    deepest = deepest->get_subcommands().front();
    absl::StrAppend(&command, " ", deepest->get_name());
  }
  return command;
}

// "CPU threads of one evaluation (0 or more; default: 0)".
std::string FlagHelp(const Setting& setting) {
  const std::string range = AllowedRange(setting);
  const std::string& text = setting.default_value();
  return absl::StrCat(setting.help(), " (", range, range.empty() ? "" : "; ",
                      "default: ", text.empty() ? "none" : text, ")");
}

// The group that holds the setting, made where it is absent.
Message* GroupOf(const SettingRow& row, Message* settings) {
  for (size_t i = 0; i + 1 < row.path.size(); ++i) {
    settings = settings->GetReflection()->MutableMessage(settings, row.path[i]);
  }
  return settings;
}

// What an option of CLI11's type TEXT takes, in words.
std::string ExpectedType(const std::string& type) {
  if (type == "INT") return "a whole number";
  if (type == "UINT") return "a whole number of 0 or more";
  if (type == "FLOAT") return "a number";
  return "another value";
}

// CLI11 takes -1 for 2^64 - 1 where an option is unsigned.
void RefuseNegativeCounts(CLI::App* app) {
  for (CLI::Option* option : app->get_options()) {
    if (option->get_type_name() == "UINT") option->check(AtLeast(0));
  }
  for (CLI::App* command : app->get_subcommands([](CLI::App*) { return true; })) {
    RefuseNegativeCounts(command);
  }
}

// CLI11's words for a value that is no number, "Could not convert: --seed = x", made ours.
std::string ErrorText(const std::string& text, const CLI::App& app) {
  absl::string_view rest = text;
  if (!absl::ConsumePrefix(&rest, "Could not convert: ")) return text;
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(rest, absl::MaxSplits(" = ", 1));
  const CLI::App* deepest = &app;
  while (!deepest->get_subcommands().empty()) deepest = deepest->get_subcommands().front();
  const CLI::Option* option = deepest->get_option_no_throw(std::string(parts.first));
  return absl::StrCat(parts.first, ": found '", parts.second, "', expected ",
                      ExpectedType(option == nullptr ? "" : option->get_type_name()));
}

}  // namespace

absl::StatusOr<bool> ParseArguments(int argc, const char* const* argv, CLI::App* app) {
  RefuseNegativeCounts(app);
  try {
    app->parse(argc, argv);
  } catch (const CLI::Success& success) {
    app->exit(success, std::cout, std::cout);
    return false;
  } catch (const CLI::ParseError& error) {
    return absl::InvalidArgumentError(
        absl::StrCat(ErrorText(error.what(), *app), "; see ", CommandOf(*app), " --help"));
  }
  return true;
}

void AddSettingFlags(const SettingsTable& table, Message* given, CLI::App* app) {
  for (const SettingRow& row : table.rows()) {
    const Setting& setting = row.setting();
    if (setting.flag().empty()) continue;
    const auto store = [&setting, row, given](const std::string& text) {
      if (SetFromText(row.field(), text, GroupOf(row, given))) return;
      throw CLI::ValidationError(
          setting.flag(),
          absl::StrCat("found ", ShownJson(text), ", expected ", ExpectedValue(row.field())));
    };
    app->add_option_function<std::string>(setting.flag(), store, FlagHelp(setting))
        ->type_name(setting.flag_value());
  }
}

void AddSettingsListings(const SettingsTable& table, const std::string& title, CLI::App* app) {
  app->add_flag_callback(
      "--settings-schema",
      [table, title] {
        std::cout << SettingsSchema(table, title).dump(2) << "\n";
        throw CLI::Success();
      },
      "Print the JSON schema of a settings file and exit");
  app->add_flag_callback(
      "--settings-table",
      [table] {
        std::cout << SettingsMarkdown(table);
        throw CLI::Success();
      },
      "Print all settings as Markdown tables and exit");
}

}  // namespace unlasting::cli
