#include "trainer/settings/settings.h"

#include "tests/support/files.h"

namespace unlasting::trainer {
namespace {

TEST(SettingsTest, FileThenOverridesThenDefaults) {
  const test::TempFolder folder;
  std::ofstream(folder.At("train.json"))
      << R"({"dim": 16, "steps": 7, "target_sum": 10000, "network": {"threshold": 0.4}})";
  const auto config = ResolveConfig(folder.At("train.json"),
                                    {"steps=9", "split=covariates", "hold_out=[\"cell_type=A\"]",
                                     "grn.max_in_degree=0", "residual=false", "version=2"});
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
  EXPECT_EQ(config->heads(), DefaultConfig().heads());
}

TEST(SettingsTest, OneNameNeedsNoBrackets) {
  const auto config = ResolveConfig("", {"hold_out=cell_type=PW036"});
  ASSERT_OK(config);
  EXPECT_EQ(config->hold_out(0), "cell_type=PW036");
}

TEST(SettingsTest, ZeroOverridesADefault) { EXPECT_EQ(ResolveConfig("", {"genes=0"})->genes(), 0); }

TEST(SettingsTest, UnknownKeysAndWrongTypesAreRefusedByName) {
  const auto refused = [](const std::string& text, const std::string& words) {
    const auto config = ResolveConfig("", {text});
    ASSERT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_NE(config.status().message().find(words), absl::string_view::npos) << config.status();
  };
  refused("stepz=3", "stepz");
  refused("network=3", "network");
  refused("network.treshold=3", "network.treshold");
  refused("steps=many", "steps");
  refused("steps=1.5", "steps");
  refused("steps", "expected key=value");
  const test::TempFolder folder;
  std::ofstream(folder.At("bad.json")) << R"({"dimension": 16})";
  EXPECT_NE(ResolveConfig(folder.At("bad.json"), {}).status().message().find("dimension"),
            absl::string_view::npos);
  std::ofstream(folder.At("worse.json")) << "{";
  EXPECT_FALSE(ResolveConfig(folder.At("worse.json"), {}).ok());
  EXPECT_FALSE(ResolveConfig(folder.At("absent.json"), {}).ok());
}

TEST(SettingsTest, RoundTripsThroughTheManifestsJson) {
  const auto config = ResolveConfig("", {"steps=9", "hold_out=[\"a=b\",\"c=d\"]"});
  ASSERT_OK(config);
  const auto again = ConfigFromJson(ConfigToJson(*config));
  ASSERT_OK(again);
  EXPECT_EQ(ConfigToJson(*again), ConfigToJson(*config));
}

TEST(SettingsTest, HelpListsEverySettingWithItsDefault) {
  const std::string help = DescribeSettings();
  const nlohmann::json defaults = ConfigToJson(DefaultConfig());
  for (const auto& [key, value] : defaults.items()) {
    if (!value.is_object()) {
      EXPECT_NE(help.find("  " + key + " "), std::string::npos) << key;
    }
  }
  for (const char* key :
       {"grn.threshold", "grn.max_in_degree", "grn.prior", "grn.embedding_threshold", "hold_out"}) {
    EXPECT_NE(help.find(key), std::string::npos) << key;
  }
}

}  // namespace
}  // namespace unlasting::trainer
