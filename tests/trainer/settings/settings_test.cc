#include "trainer/settings/settings.h"

#include <sstream>

#include "core/cli/setting_descriptions.h"
#include "core/cli/settings_text.h"
#include "core/diffusion/solver.h"
#include "core/predict/query/query.h"
#include "gmock/gmock.h"
#include "tests/support/files.h"

namespace unlasting::trainer {
namespace {

using testing::HasSubstr;

std::string Refusal(const std::vector<std::string>& overrides, const std::string& path = "") {
  const auto config = ResolveConfig(path, overrides);
  EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  return std::string(config.status().message());
}

TEST(SettingsTest, EverySettingIsFullyDescribed) {
  ASSERT_OK(cli::CheckDescriptions(TrainSettings()));
  ASSERT_OK(ResolveConfig("", {}));
}

TEST(SettingsTest, FlagsWinOverOverridesOverTheFileOverDefaults) {
  const test::TempFolder folder;
  std::ofstream(folder.At("train.json"))
      << R"({"dim": 16, "steps": 7, "target_sum": 10000, "grn": {"threshold": 0.4},
             "layout": "gears"})";
  TrainConfig flags;
  flags.set_layout("plain");
  const auto config =
      ResolveConfig(folder.At("train.json"),
                    {"steps=9", "split=covariates", "hold_out=[\"cell_type=A\"]",
                     "grn.max_in_degree=0", "residual=false", "version=2", "layout=chemcpa"},
                    flags);
  ASSERT_OK(config);
  EXPECT_EQ(config->dim(), 16);
  EXPECT_EQ(config->steps(), 9);
  EXPECT_EQ(config->target_sum(), "10000");
  EXPECT_DOUBLE_EQ(config->grn().threshold(), 0.4);
  EXPECT_EQ(config->grn().max_in_degree(), 0);
  EXPECT_FALSE(config->residual());
  EXPECT_EQ(config->version(), "2");
  ASSERT_EQ(config->hold_out_size(), 1);
  EXPECT_EQ(config->hold_out(0), "cell_type=A");
  EXPECT_EQ(config->layout(), "plain");
  EXPECT_EQ(config->heads(), DefaultConfig().heads());
}

TEST(SettingsTest, OneNameNeedsNoBrackets) {
  const auto config = ResolveConfig("", {"hold_out=cell_type=PW036"});
  ASSERT_OK(config);
  EXPECT_EQ(config->hold_out(0), "cell_type=PW036");
}

TEST(SettingsTest, ZeroOverridesADefault) {
  const auto config = ResolveConfig("", {"genes=0"});
  ASSERT_OK(config);
  EXPECT_EQ(config->genes(), 0);
}

TEST(SettingsTest, UnknownKeysAndWrongTypesAreRefusedByName) {
  EXPECT_THAT(Refusal({"stepz=3"}), HasSubstr("'stepz', did you mean 'steps'?"));
  EXPECT_THAT(Refusal({"network.threshold=3"}), HasSubstr("did you mean 'grn.threshold'?"));
  EXPECT_THAT(Refusal({"grn=3"}), HasSubstr("'grn'"));
  EXPECT_THAT(Refusal({"steps=many"}), HasSubstr("steps: found 'many'"));
  EXPECT_THAT(Refusal({"steps=1.5"}), HasSubstr("steps: found '1.5', expected a whole number"));
  EXPECT_THAT(Refusal({"steps"}), HasSubstr("expected key=value"));
  const test::TempFolder folder;
  std::ofstream(folder.At("bad.json")) << R"({"dimension": 16})";
  EXPECT_THAT(Refusal({}, folder.At("bad.json")),
              HasSubstr("bad.json: unknown setting 'dimension'"));
  std::ofstream(folder.At("worse.json")) << "{";
  EXPECT_THAT(Refusal({}, folder.At("worse.json")), HasSubstr("worse.json: is not JSON"));
  EXPECT_FALSE(ResolveConfig(folder.At("absent.json"), {}).ok());
}

TEST(SettingsTest, AllBadSettingsAreNamedAtOnce) {
  const std::string message =
      Refusal({"stepz=3", "steps=0", "split=half", "learning_rate=0", "target_sum=mean",
               "grn.embedding_threshold=2", "validation_fraction=1", "batch_size=1"});
  for (const char* words :
       {"'stepz'", "steps: found 0, expected a whole number, 1 or more",
        "split: found 'half', expected conditions, drugs, doses, doubles, covariates or cells",
        "learning_rate: found 0, expected a number, above 0",
        "target_sum: found 'mean', expected median or a number above 0",
        "grn.embedding_threshold: found 2, expected a number, above 0, at most 1",
        "validation_fraction: found 1, expected a number, 0 or more, below 1",
        "batch_size: found 1, expected a whole number, 2 or more"}) {
    EXPECT_THAT(message, HasSubstr(words));
  }
}

TEST(SettingsTest, WordsOfSolverAndMaskAreThoseThatPredictionsKnow) {
  const auto choices = [](const char* key) {
    return TrainSettings().Find(key)->setting().choices();
  };
  ASSERT_EQ(choices("solver").size(), 2);
  for (const std::string& word : choices("solver")) ASSERT_OK(diffusion::ParseSolver(word));
  ASSERT_EQ(choices("mask").size(), 5);
  for (const std::string& word : choices("mask")) ASSERT_OK(predict::ParseMaskMode(word));
}

TEST(SettingsTest, RoundTripsThroughTheManifestsJson) {
  const auto config = ResolveConfig("", {"steps=9", "hold_out=[\"a=b\",\"c=d\"]"});
  ASSERT_OK(config);
  const auto again = ConfigFromJson(ConfigToJson(*config));
  ASSERT_OK(again);
  EXPECT_EQ(ConfigToJson(*again), ConfigToJson(*config));
  EXPECT_FALSE(ConfigFromJson({{"stepz", 3}}).ok());
}

TEST(SettingsTest, HelpListsEverySetting) {
  ASSERT_GT(TrainSettings().rows().size(), 60u);
  for (const cli::SettingRow& row : TrainSettings().rows()) {
    EXPECT_THAT(DescribeSettings(), HasSubstr("\n  " + row.key + " "));
  }
}

TEST(SettingsTest, TheTableInDocsIsTheTableOfTheProgram) {
  std::ifstream file("docs/settings.md");
  ASSERT_TRUE(file);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_THAT(text.str(), HasSubstr(cli::SettingsMarkdown(TrainSettings())))
      << "scripts/settings-docs.sh writes it anew";
}

}  // namespace
}  // namespace unlasting::trainer
