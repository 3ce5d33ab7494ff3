#include "server/base/logging.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "tests/support/files.h"

namespace unlasting::server {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

// What is logged on stderr while `log` runs, in `format`.
template <typename Log>
std::string Logged(const std::string& format, const std::string& level, const Log& log) {
  testing::internal::CaptureStderr();
  const absl::Status status = SetUpLogging(format, level);
  EXPECT_TRUE(status.ok()) << status;
  log();
  return testing::internal::GetCapturedStderr();
}

TEST(Logging, ATextLineHoldsTheLevelTheEventAndItsFields) {
  const std::string line = Logged("text", "info", [] {
    LogEvent(LogLevel::kInfo, "listening", {{"address", "127.0.0.1:50051"}, {"tls", "off"}});
  });
  EXPECT_THAT(line, EndsWith(" info listening address=127.0.0.1:50051 tls=off\n"));
}

TEST(Logging, AValueNeverStartsALineOrAFieldOfItsOwn) {
  const std::string line = Logged("text", "info", [] {
    LogEvent(LogLevel::kInfo, "call", {{"client", "a\nb=c"}, {"reason", ""}, {"braces", "{}"}});
  });
  EXPECT_THAT(line, EndsWith(" info call client=\"a\\nb=c\" reason=\"\" braces={}\n"));
}

TEST(Logging, AJsonLineIsAnObjectWhateverItsValuesHold) {
  const std::string line = Logged("json", "info", [] {
    LogEvent(LogLevel::kWarning, "call", {{"client", "\"a\"\xff"}});
  });
  const auto event = nlohmann::json::parse(line);
  EXPECT_EQ(event.at("event"), "call");
  EXPECT_EQ(event.at("level"), "warning");
  EXPECT_THAT(event.at("client").get<std::string>(), HasSubstr("\"a\""));
}

TEST(Logging, EventsBelowTheLevelAreLeftOut) {
  EXPECT_EQ(Logged("text", "error", [] { LogEvent(LogLevel::kWarning, "call"); }), "");
  EXPECT_EQ(Logged("text", "off", [] { LogEvent(LogLevel::kError, "call"); }), "");
}

TEST(Logging, OtherFormatsAndLevelsAreRefusedByName) {
  const absl::Status format = SetUpLogging("xml", "info");
  EXPECT_EQ(format.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(format.message()), HasSubstr("--log-format: found 'xml'"));
  const absl::Status level = SetUpLogging("text", "loud");
  EXPECT_EQ(level.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(level.message()), HasSubstr("--log-level: found 'loud'"));
}

}  // namespace
}  // namespace unlasting::server
