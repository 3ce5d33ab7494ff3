#include "core/cli/settings.h"

#include <limits>

#include "core/cli/setting_descriptions.h"
#include "core/cli/settings_reader.h"
#include "core/cli/settings_table.h"
#include "gmock/gmock.h"
#include "tests/core/cli/example.pb.h"
#include "tests/support/files.h"

namespace unlasting::cli {
namespace {

using nlohmann::json;
using test::ExampleConfig;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

ExampleConfig Defaults(const std::string& profile = "") {
  ExampleConfig config;
  FillDefaults(profile, &config);
  return config;
}

std::vector<std::string> ErrorsOf(const json& values) {
  ExampleConfig config;
  std::vector<std::string> errors;
  MergeJson(values, "file.json", &config, &errors);
  return errors;
}

std::vector<std::string> ErrorsOfAssignment(const std::string& assignment) {
  ExampleConfig config;
  std::vector<std::string> errors;
  MergeAssignment(assignment, &config, &errors);
  return errors;
}

std::vector<std::string> RangeErrors(const ExampleConfig& config) {
  std::vector<std::string> errors;
  CheckRanges(config, &errors);
  return errors;
}

TEST(Settings, EverySettingOfTheTableHasADottedKeyAndASection) {
  const SettingsTable table(ExampleConfig::descriptor());
  std::vector<std::string> keys;
  for (const SettingRow& row : table.rows()) keys.push_back(row.key);
  EXPECT_THAT(keys, ElementsAre("steps", "rate", "kind", "target", "eager", "names", "seed",
                                "small_count", "group.limit_bytes", "door.key",
                                "door.refresh_seconds", "places[].folder", "places[].name"));
  ASSERT_NE(table.Find("rate"), nullptr);
  EXPECT_EQ(table.Find("rate")->section, "Work");
  EXPECT_EQ(table.Find("group.limit_bytes")->section, "A group");
  EXPECT_EQ(table.Find("limit_bytes"), nullptr);
}

TEST(Settings, AWellDescribedTableIsToldFromAFaultyOne) {
  ASSERT_OK(CheckDescriptions(SettingsTable(ExampleConfig::descriptor())));
  const absl::Status faulty = CheckDescriptions(SettingsTable(test::FaultyConfig::descriptor()));
  for (const char* words : {"helpless has no help", "absent is not an optional field",
                            "defaultless has the default ''", "beyond has the default '1'"}) {
    EXPECT_THAT(std::string(faulty.message()), HasSubstr(words));
  }
}

TEST(Settings, DefaultsFillWhatIsNotSetAndNothingElse) {
  ExampleConfig config;
  config.set_steps(3);
  FillDefaults("", &config);
  EXPECT_EQ(config.steps(), 3);
  EXPECT_EQ(config.rate(), 0.5);
  EXPECT_EQ(config.kind(), "plain");
  EXPECT_TRUE(config.eager());
  EXPECT_EQ(config.group().limit_bytes(), 64 << 20);
}

TEST(Settings, AProfileHasDefaultsOfItsOwn) {
  EXPECT_EQ(Defaults("fast").rate(), 1);
  EXPECT_EQ(Defaults("fast").steps(), 10);
  EXPECT_EQ(Defaults("slow").rate(), 0.5);
}

TEST(Settings, AnAbsentGroupGetsDefaultsOnlyOnceItIsThere) {
  EXPECT_FALSE(Defaults().has_door());
  ExampleConfig config;
  config.mutable_door()->set_key("k");
  FillDefaults("", &config);
  EXPECT_EQ(config.door().refresh_seconds(), 60);
}

TEST(Settings, AFileMayNameSettingsInEitherSpellingAndQuoteNumbers) {
  ExampleConfig config;
  std::vector<std::string> errors;
  MergeJson(
      json::parse(
          R"({"$schema": "train.schema.json", "smallCount": "7", "rate": 1, "steps": 1e3, "eager": "false",
                            "group": {"limitBytes": 5}, "names": ["a", "b"], "target": 10000,
                            "seed": 18446744073709551615, "kind": null,
                            "places": [{"folder": "x"}, {"folder": "y", "name": "n"}]})"),
      "file.json", &config, &errors);
  EXPECT_THAT(errors, IsEmpty());
  EXPECT_EQ(config.small_count(), 7);
  EXPECT_EQ(config.rate(), 1);
  EXPECT_EQ(config.steps(), 1000);
  EXPECT_FALSE(config.eager());
  EXPECT_EQ(config.group().limit_bytes(), 5);
  EXPECT_THAT(config.names(), ElementsAre("a", "b"));
  EXPECT_EQ(config.target(), "10000");
  EXPECT_EQ(config.seed(), std::numeric_limits<uint64_t>::max());
  EXPECT_FALSE(config.has_kind());
  ASSERT_EQ(config.places_size(), 2);
  EXPECT_EQ(config.places(1).name(), "n");
}

TEST(Settings, AListReplacesTheListBeforeIt) {
  ExampleConfig config;
  std::vector<std::string> errors;
  MergeJson({{"names", {"a", "b"}}}, "file.json", &config, &errors);
  MergeAssignment("names=c", &config, &errors);
  EXPECT_THAT(config.names(), ElementsAre("c"));
  MergeAssignment("names=[\"d\",\"e=f\"]", &config, &errors);
  EXPECT_THAT(config.names(), ElementsAre("d", "e=f"));
  EXPECT_THAT(errors, IsEmpty());
}

TEST(Settings, EveryBadValueOfAFileIsNamedWithWhatWasExpected) {
  EXPECT_THAT(ErrorsOf(json::parse(R"({"steps": "many", "rate": true, "kind": 3, "eager": 1,
                                       "names": "a", "group": 3, "places": {"folder": "x"},
                                       "small_count": 3000000000, "seed": -1})")),
              testing::UnorderedElementsAre(
                  "file.json: steps: found 'many', expected a whole number, 1 or more",
                  "file.json: rate: found true, expected a number, above 0, at most 1",
                  "file.json: kind: found 3, expected plain, fancy or ''",
                  "file.json: eager: found 1, expected true or false",
                  "file.json: names: found 'a', expected a list of texts",
                  "file.json: group: found 3, expected a JSON object",
                  "file.json: places: found {\"folder\":\"x\"}, expected a list of JSON objects",
                  "file.json: small_count: found 3000000000, expected a whole number",
                  "file.json: seed: found -1, expected a whole number"));
  EXPECT_THAT(ErrorsOf(json::parse(R"({"places": [{"folder": "x"}, 3, {"folder": []}]})")),
              ElementsAre("file.json: places[1]: found 3, expected a list of JSON objects",
                          "file.json: places[2].folder: found [], expected a text that is not "
                          "empty"));
  EXPECT_THAT(ErrorsOf(json::array({1})),
              ElementsAre("file.json: found [1], expected a JSON object"));
}

TEST(Settings, AnUnknownNameIsRefusedWithTheNearestOne) {
  EXPECT_THAT(ErrorsOf({{"stepz", 3}}),
              ElementsAre("file.json: unknown setting 'stepz', did you mean 'steps'?; --help lists "
                          "them all"));
  EXPECT_THAT(ErrorsOf({{"group", {{"limit_byte", 3}}}}),
              ElementsAre(HasSubstr("did you mean 'group.limit_bytes'?")));
  EXPECT_THAT(ErrorsOfAssignment("limit_bytes=3"),
              ElementsAre(HasSubstr("did you mean 'group.limit_bytes'?")));
  EXPECT_THAT(ErrorsOfAssignment("something_else=3"),
              ElementsAre("--set: unknown setting 'something_else'; --help lists them all"));
  EXPECT_THAT(ErrorsOfAssignment("group=3"), ElementsAre(HasSubstr("unknown setting 'group'")));
  EXPECT_THAT(ErrorsOfAssignment("places[].folder=3"),
              ElementsAre(HasSubstr("unknown setting 'places[].folder'")));
}

TEST(Settings, AnAssignmentIsReadByTheTypeOfItsSetting) {
  ExampleConfig config;
  std::vector<std::string> errors;
  for (const char* text : {"steps=1e5", "kind=", "target=3", "eager=false", "door.key=a=b"}) {
    MergeAssignment(text, &config, &errors);
  }
  EXPECT_THAT(errors, IsEmpty());
  EXPECT_EQ(config.steps(), 100000);
  EXPECT_TRUE(config.has_kind());
  EXPECT_EQ(config.target(), "3");
  EXPECT_FALSE(config.eager());
  EXPECT_EQ(config.door().key(), "a=b");
  for (const char* text : {"steps=1.5", "steps=", "steps=1e40", "rate=nan", "rate=inf", "rate=0.5x",
                           "eager=perhaps", "seed=-1", "kind=\xff"}) {
    EXPECT_EQ(ErrorsOfAssignment(text).size(), 1) << text;
  }
  EXPECT_THAT(ErrorsOfAssignment("steps"), ElementsAre("--set: found 'steps', expected key=value"));
}

TEST(Settings, ValuesOutOfRangeAreNamedWithTheirFlag) {
  EXPECT_THAT(RangeErrors(Defaults()), IsEmpty());
  ExampleConfig config = Defaults();
  config.set_steps(0);
  config.set_rate(0);
  config.set_kind("odd\n");
  config.set_target("-1");
  config.mutable_door();
  FillDefaults("", &config);
  config.mutable_door()->set_refresh_seconds(std::numeric_limits<double>::quiet_NaN());
  config.add_places();
  EXPECT_THAT(RangeErrors(config),
              ElementsAre("steps (--steps): found 0, expected a whole number, 1 or more",
                          "rate: found 0, expected a number, above 0, at most 1",
                          "kind: found 'odd\\n', expected plain, fancy or ''",
                          "target: found '-1', expected median or a number above 0",
                          "door.key (--door-key): found '', expected a text that is not empty",
                          "door.refresh_seconds: found nan, expected a number, 1 or more",
                          "places[0].folder: found '', expected a text that is not empty"));
}

TEST(Settings, BoundsIncludeOrExcludeAsTheyAreDeclared) {
  ExampleConfig config = Defaults();
  config.set_rate(1);
  config.set_steps(1);
  config.set_target("0.5");
  EXPECT_THAT(RangeErrors(config), IsEmpty());
  config.set_rate(1.001);
  config.set_target("0");
  EXPECT_EQ(RangeErrors(config).size(), 2);
}

TEST(Settings, AFileThatIsNoObjectOfJsonIsRefusedByName) {
  const unlasting::test::TempFolder folder;
  const auto message = [&](const std::string& text) {
    std::ofstream(folder.At("a.json")) << text;
    return std::string(ReadSettingsFile(folder.At("a.json")).status().message());
  };
  EXPECT_EQ(message("{\"steps\": 3 // a comment\n}"), "");
  EXPECT_THAT(message("{\"steps\": }"), HasSubstr("a.json: is not JSON: parse error at line 1"));
  EXPECT_THAT(message(""), HasSubstr("a.json: is not JSON"));
  EXPECT_THAT(message("[1]"), HasSubstr("a.json: found [1], expected a JSON object of settings"));
  EXPECT_THAT(message("{\"a\": \"\xff\"}"), HasSubstr("a.json: is not JSON"));
  EXPECT_EQ(ReadSettingsFile(folder.At("absent.json")).status().code(),
            absl::StatusCode::kNotFound);
}

TEST(Settings, LongValuesAreCutInErrorsWithoutBreakingACharacter) {
  std::string text(79, 'a');
  text += "\u00e4\u00e4\u00e4";
  const std::string shown = ShownJson(text);
  EXPECT_EQ(shown, "'" + std::string(79, 'a') + "...");
}

}  // namespace
}  // namespace unlasting::cli
