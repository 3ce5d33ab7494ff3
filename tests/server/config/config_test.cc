#include "server/config/config.h"

#include <fstream>

#include "core/base/file.h"
#include "core/cli/setting_descriptions.h"
#include "core/cli/settings_text.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/config/flags.h"
#include "tests/support/files.h"

namespace unlasting::server {
namespace {

using testing::HasSubstr;

absl::StatusOr<std::optional<ServerConfig>> Parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "unlasting-server");
  return ParseFlags(static_cast<int>(arguments.size()), arguments.data());
}

std::string Written(const test::TempFolder& folder, const std::string& json) {
  const std::string path = folder.At("server.json");
  std::ofstream(path) << json;
  return path;
}

TEST(Flags, DefaultsAreThoseOfTheContract) {
  const auto config = Parse({"--bundle", "b"});
  ASSERT_OK(config);
  EXPECT_EQ((*config)->listen(), "127.0.0.1:50051");
  EXPECT_EQ((*config)->admin_listen(), "127.0.0.1:9464");
  EXPECT_EQ((*config)->device(), "auto");
  EXPECT_EQ((*config)->precision(), "auto");
  EXPECT_FALSE((*config)->has_tls());
  EXPECT_TRUE((*config)->enable_reflection());
}

TEST(Flags, BundlesMayBeNamed) {
  const auto config = Parse({"--bundle", "a=dir/x", "--bundle", "./c=d", "--bundle", "plain"});
  ASSERT_OK(config);
  ASSERT_EQ((*config)->bundles_size(), 3);
  EXPECT_EQ((*config)->bundles(0).name(), "a");
  EXPECT_EQ((*config)->bundles(0).directory(), "dir/x");
  EXPECT_EQ((*config)->bundles(1).name(), "");
  EXPECT_EQ((*config)->bundles(1).directory(), "./c=d");
  EXPECT_EQ((*config)->bundles(2).directory(), "plain");
}

TEST(Flags, WinOverTheFileWhichWinsOverDefaults) {
  const test::TempFolder folder;
  const std::string path =
      Written(folder, R"({"bundles":[{"directory":"x"}],"listen":"0.0.0.0:1","maxBatch":"7",
                  "enable_reflection":false,"limits":{"max_cells":5}})");
  const auto config = Parse({"--config", path.c_str(), "--listen", "0.0.0.0:2"});
  ASSERT_OK(config);
  EXPECT_EQ((*config)->listen(), "0.0.0.0:2");
  EXPECT_EQ((*config)->max_batch(), 7);
  EXPECT_FALSE((*config)->enable_reflection());
  EXPECT_EQ((*config)->limits().max_cells(), 5);
  EXPECT_EQ((*config)->limits().max_rows(), 4000000);
}

TEST(Settings, AreAllDescribedAndShownByDocs) {
  ASSERT_OK(cli::CheckDescriptions(ServerSettings()));
  const auto docs = ReadFile("docs/operations.md");
  ASSERT_OK(docs);
  EXPECT_THAT(*docs, HasSubstr(cli::SettingsMarkdown(ServerSettings())))
      << "scripts/settings-docs.sh writes it anew";
}

TEST(Flags, EveryBadSettingIsNamedAtOnce) {
  const test::TempFolder folder;
  const std::string path =
      Written(folder, R"({"bundles":[{"name":"m"}],"max_batch":"many","admin":{"enabled":true},
                  "log_level":"loud","limits":{"max_cels":5,"max_rows":0}})");
  const auto config = Parse({"--config", path.c_str(), "--threads", "-1"});
  ASSERT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  for (const char* words :
       {"max_batch: found 'many', expected a whole number, 1 to 65536",
        "unknown setting 'limits.max_cels', did you mean 'limits.max_cells'?",
        "bundles[0].directory: found ''", "threads (--threads): found -1",
        "log_level (--log-level): found 'loud', expected debug, info, warning, error or off",
        "limits.max_rows: found 0", "auth_tokens (--auth-tokens)"}) {
    EXPECT_THAT(std::string(config.status().message()), HasSubstr(words));
  }
}

TEST(Flags, TlsHasItsDefaultsOnlyWhereItIsOn) {
  const auto config = Parse({"--bundle", "b", "--tls-cert", "c", "--tls-key", "k"});
  ASSERT_OK(config);
  EXPECT_EQ((*config)->tls().refresh_seconds(), 60u);
  const auto message = [](std::vector<const char*> arguments) {
    return std::string(Parse(std::move(arguments)).status().message());
  };
  EXPECT_THAT(message({"--bundle", "b", "--tls-cert", "c"}), HasSubstr("tls.key (--tls-key)"));
  EXPECT_THAT(
      message({"--bundle", "b", "--tls-cert", "c", "--tls-key", "k", "--tls-refresh-seconds", "0"}),
      HasSubstr("tls.refresh_seconds (--tls-refresh-seconds): found 0"));
}

TEST(Flags, BundlesOfFlagsJoinThoseOfTheFile) {
  const test::TempFolder folder;
  const std::string path = Written(folder, R"({"bundles":[{"directory":"x","pinned":true}]})");
  const auto config = Parse({"--config", path.c_str(), "--bundle", "y"});
  ASSERT_OK(config);
  ASSERT_EQ((*config)->bundles_size(), 2);
  EXPECT_TRUE((*config)->bundles(0).pinned());
  EXPECT_EQ((*config)->bundles(1).directory(), "y");
}

TEST(Flags, TheSchemaOfTheFileIsPrinted) {
  testing::internal::CaptureStdout();
  const auto printed = Parse({"--settings-schema"});
  const std::string text = testing::internal::GetCapturedStdout();
  ASSERT_OK(printed);
  EXPECT_FALSE(printed->has_value());
  const auto schema = nlohmann::json::parse(text);
  EXPECT_EQ(schema["properties"]["limits"]["properties"]["max_rows"]["minimum"], 1);
  EXPECT_EQ(schema["properties"]["bundles"]["items"]["required"], nlohmann::json({"directory"}));
}

TEST(Flags, UnknownKeysOfTheFileAreRefused) {
  const test::TempFolder folder;
  const std::string path = Written(folder, R"({"lissten":"0.0.0.0:1"})");
  const auto config = Parse({"--config", path.c_str()});
  ASSERT_FALSE(config.ok());
  EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(config.status().message()), HasSubstr("lissten"));
  EXPECT_THAT(std::string(config.status().message()), HasSubstr(path));
}

TEST(Flags, BadUsageNamesTheFlagOrField) {
  const auto message = [](std::vector<const char*> arguments) {
    const auto config = Parse(std::move(arguments));
    EXPECT_EQ(config.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(config.status().message());
  };
  EXPECT_THAT(message({}), HasSubstr("--bundle"));
  EXPECT_THAT(message({"--bundle", "b", "--nonsense"}), HasSubstr("--nonsense"));
  EXPECT_THAT(message({"--bundle", "b", "--threads", "-1"}), HasSubstr("threads"));
  EXPECT_THAT(message({"--bundle", "b", "--max-batch", "0"}), HasSubstr("max_batch"));
  EXPECT_THAT(message({"--bundle", "b", "--tls-cert", "c"}), HasSubstr("tls"));
}

TEST(Flags, TheProductionProfileHasOtherDefaultsAndNothingElse) {
  const auto config = Parse({"--bundle", "b", "--profile", "production"});
  ASSERT_OK(config);
  EXPECT_FALSE((*config)->enable_reflection());
  EXPECT_FALSE((*config)->admin().enabled());
  EXPECT_EQ((*config)->connections().max_age_seconds(), 3600);
  const auto with_reflection =
      Parse({"--bundle", "b", "--profile", "production", "--enable-reflection", "true"});
  ASSERT_OK(with_reflection);
  EXPECT_TRUE((*with_reflection)->enable_reflection());
  EXPECT_FALSE(Parse({"--bundle", "b", "--profile", "staging"}).ok());
}

TEST(Flags, AdministrationNeedsTokens) {
  const auto config = Parse({"--bundle", "b", "--enable-admin", "true"});
  EXPECT_THAT(std::string(config.status().message()), HasSubstr("auth_tokens"));
  ASSERT_OK(Parse({"--bundle", "b", "--enable-admin", "true", "--auth-tokens", "t"}));
}

TEST(Flags, PrintedConfigurationReadsBackAsItself) {
  testing::internal::CaptureStdout();
  const auto printed = Parse({"--bundle", "m=b", "--listen", "0.0.0.0:7", "--print-config"});
  const std::string json = testing::internal::GetCapturedStdout();
  ASSERT_OK(printed);
  EXPECT_FALSE(printed->has_value());
  const test::TempFolder folder;
  const auto config = Parse({"--config", Written(folder, json).c_str()});
  ASSERT_OK(config);
  EXPECT_EQ((*config)->listen(), "0.0.0.0:7");
  EXPECT_EQ((*config)->bundles(0).name(), "m");
  EXPECT_EQ(ConfigAsJson(**config), json);
}

TEST(Flags, EverySettingHasADefaultThatPrintingShows) {
  const std::string json = ConfigAsJson(DefaultConfig());
  for (const char* key :
       {"max_age_seconds", "keepalive_seconds", "max_concurrent_calls", "bulk_patience_seconds",
        "reader_patience_seconds", "refuse_late", "batching", "requests_per_second",
        "max_client_rows", "max_incoming_bytes", "transport_bytes", "watch_seconds", "profile"}) {
    EXPECT_THAT(json, HasSubstr(absl::StrCat("\"", key, "\":"))) << key;
  }
}

}  // namespace
}  // namespace unlasting::server
