#include "core/cli/settings_text.h"

#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "tests/core/cli/example.pb.h"

namespace unlasting::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const SettingsTable& Table() {
  static const auto* const table = new SettingsTable(test::ExampleConfig::descriptor());
  return *table;
}

TEST(SettingsText, HelpShowsSectionsDefaultsAndRanges) {
  const std::string help = SettingsHelp(Table());
  EXPECT_THAT(help, HasSubstr("Work\n  steps                      10                steps of work "
                              "(1 or more)\n"));
  EXPECT_THAT(help, HasSubstr("\n\nA group\n  group.limit_bytes "));
  EXPECT_THAT(help, HasSubstr("kind of work (plain, fancy or '')"));
  for (const SettingRow& row : Table().rows()) {
    EXPECT_THAT(help, HasSubstr("\n  " + row.key + " ")) << row.key;
  }
}

TEST(SettingsText, NoLineOfHelpIsLongerThanATerminal) {
  const std::vector<std::string> lines = absl::StrSplit(SettingsHelp(Table()), '\n');
  ASSERT_GT(lines.size(), Table().rows().size());
  for (const std::string& line : lines) EXPECT_LE(line.size(), 100) << line;
}

TEST(SettingsText, MarkdownHasARowPerSetting) {
  const std::string text = SettingsMarkdown(Table());
  for (const char* words :
       {"### Work\n\n| setting, flag | type | default | range | what it does |\n"
        "|---|---|---|---|---|\n"
        "| `steps`, `--steps` | whole number, steps | `10` | 1 or more | steps of work. More steps "
        "take longer. |\n",
        "| `group.limit_bytes` | whole number, bytes | 67108864 (64 MiB) | 1 or more | bytes \\| "
        "at "
        "most. |\n",
        "| `0.5`; 1 in the fast profile |", "| `places[].folder` | text | none: required |"}) {
    EXPECT_THAT(text, HasSubstr(words));
  }
}

TEST(SettingsText, TheSchemaGivesTypesRangesWordsAndDefaults) {
  const json schema = SettingsSchema(Table(), "Example");
  EXPECT_EQ(schema["title"], "Example");
  EXPECT_EQ(schema["additionalProperties"], false);
  const json& properties = schema["properties"];
  EXPECT_TRUE(properties.contains("$schema"));
  EXPECT_EQ(properties["steps"], json::parse(R"({"type": "integer", "minimum": 1, "default": 10,
                "description": "steps of work. More steps take longer."})"));
  EXPECT_EQ(properties["rate"]["exclusiveMinimum"], 0);
  EXPECT_EQ(properties["rate"]["maximum"], 1);
  EXPECT_EQ(properties["kind"]["enum"], json({"plain", "fancy", ""}));
  EXPECT_EQ(properties["target"]["anyOf"].size(), 2);
  EXPECT_EQ(properties["eager"]["default"], true);
  EXPECT_EQ(properties["names"]["items"]["type"], "string");
  EXPECT_EQ(properties["seed"]["minimum"], 0);
  EXPECT_EQ(properties["group"]["additionalProperties"], false);
  EXPECT_EQ(properties["places"]["items"]["required"], json({"folder"}));
}

}  // namespace
}  // namespace unlasting::cli
