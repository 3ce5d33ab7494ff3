#include "core/cli/command_line.h"

#include "CLI/CLI.hpp"
#include "gmock/gmock.h"
#include "nlohmann/json.hpp"
#include "tests/core/cli/example.pb.h"

namespace unlasting::cli {
namespace {

using test::ExampleConfig;
using testing::HasSubstr;

class CommandLine : public testing::Test {
 protected:
  CommandLine() {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", "program 1");
    work_ = app_.add_subcommand("work", "Works");
    AddSettingFlags(table_, &given_, work_);
    AddSettingsListings(table_, "Example", &app_);
  }

  absl::StatusOr<bool> Parse(std::vector<const char*> arguments) {
    arguments.insert(arguments.begin(), "program");
    return ParseArguments(static_cast<int>(arguments.size()), arguments.data(), &app_);
  }

  std::string Printed(std::vector<const char*> arguments) {
    testing::internal::CaptureStdout();
    const auto parsed = Parse(std::move(arguments));
    std::string text = testing::internal::GetCapturedStdout();
    EXPECT_TRUE(parsed.ok() && !*parsed) << parsed.status();
    return text;
  }

  const SettingsTable table_{ExampleConfig::descriptor()};
  ExampleConfig given_;
  CLI::App app_{"Works.", "program"};
  CLI::App* work_;
};

TEST_F(CommandLine, FlagsOfTheTableSetWhatIsGivenAlone) {
  const auto parsed = Parse({"work", "--steps", "7", "--eager", "false", "--door-key", "k"});
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_TRUE(*parsed);
  EXPECT_EQ(given_.steps(), 7);
  EXPECT_FALSE(given_.eager());
  EXPECT_EQ(given_.door().key(), "k");
  EXPECT_FALSE(given_.has_rate());
  EXPECT_FALSE(given_.has_group());
}

TEST_F(CommandLine, NoFlagLeavesEveryGroupAbsent) {
  ASSERT_TRUE(Parse({"work"}).ok());
  EXPECT_FALSE(given_.has_door());
}

TEST_F(CommandLine, BadUsageNamesTheFlagAndTheHelpOfTheCommand) {
  const auto message = [](const absl::StatusOr<bool>& parsed) {
    EXPECT_EQ(parsed.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(parsed.status().message());
  };
  EXPECT_EQ(message(Parse({"work", "--steps", "many"})),
            "--steps: found 'many', expected a whole number, 1 or more; see program work --help");
  EXPECT_THAT(message(Parse({"work", "--nonsense"})), HasSubstr("--nonsense"));
  EXPECT_THAT(message(Parse({})), HasSubstr("; see program --help"));
}

TEST_F(CommandLine, HelpAndVersionArePrintedOnStdout) {
  EXPECT_EQ(Printed({"--version"}), "program 1\n");
  EXPECT_THAT(Printed({"work", "--help"}), HasSubstr("steps of work (1 or more; default: 10)"));
}

TEST_F(CommandLine, ListingsNeedNoSubcommand) {
  EXPECT_EQ(nlohmann::json::parse(Printed({"--settings-schema"}))["title"], "Example");
  EXPECT_THAT(Printed({"--settings-table"}), HasSubstr("### Work"));
}

}  // namespace
}  // namespace unlasting::cli
