#include "core/cli/value_checks.h"

#include "absl/strings/str_cat.h"
#include "core/cli/command_line.h"
#include "gmock/gmock.h"

namespace unlasting::cli {
namespace {

using testing::HasSubstr;

class ValueChecks : public testing::Test {
 protected:
  ValueChecks() {
    CLI::App* work = app_.add_subcommand("work", "Works");
    work->add_option("--share", share_, "A share")->check(Between(0, 1));
    work->add_option("--count", count_, "A count")->check(AtLeast(0));
    work->add_option("--rate", rate_, "A rate")->check(Above(0));
    work->add_option("--kind", kind_, "A kind")->check(OneOf({"auto", "counts", "log1p"}));
    work->add_option("--seed", seed_, "A seed");
    work->add_option("--steps", steps_, "Steps");
  }

  absl::Status Parse(const char* flag, const char* value) {
    const char* arguments[] = {"program", "work", flag, value};
    return ParseArguments(4, arguments, &app_).status();
  }
  void Refuses(const char* flag, const char* value, const char* expected) {
    const absl::Status status = Parse(flag, value);
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << flag << " " << value;
    EXPECT_THAT(std::string(status.message()),
                HasSubstr(absl::StrCat(flag, ": found '", value, "', expected ", expected,
                                       "; see program work --help")));
  }

  CLI::App app_{"Works.", "program"};
  double share_ = 0, rate_ = 0;
  int64_t count_ = 0;
  uint64_t seed_ = 0;
  int steps_ = 0;
  std::string kind_;
};

TEST_F(ValueChecks, TakeWhatLiesWithinTheBounds) {
  for (const char* value : {"0", "0.5", "1"}) {
    EXPECT_TRUE(Parse("--share", value).ok()) << value;
  }
  EXPECT_TRUE(Parse("--count", "0").ok());
  EXPECT_TRUE(Parse("--rate", "1e-9").ok());
  EXPECT_TRUE(Parse("--kind", "log1p").ok());
  EXPECT_EQ(kind_, "log1p");
}

TEST_F(ValueChecks, NameTheFlagWhatWasFoundAndWhatWasExpected) {
  for (const char* value : {"1.01", "-1", "nan", "x", "inf"}) {
    Refuses("--share", value, "a number from 0 to 1");
  }
  for (const char* value : {"-1", "T0", "inf"}) Refuses("--count", value, "a number of 0 or more");
  for (const char* value : {"0", "-2", ""}) Refuses("--rate", value, "a number above 0");
  Refuses("--kind", "count", "auto, counts or log1p");
}

TEST_F(ValueChecks, AValueOfAnotherTypeIsRefusedInTheSameWords) {
  Refuses("--count", "1.5", "a whole number");
  Refuses("--steps", "many", "a whole number");
  Refuses("--seed", "1.5", "a whole number of 0 or more");
  Refuses("--seed", "-1", "a number of 0 or more");
}

}  // namespace
}  // namespace unlasting::cli
