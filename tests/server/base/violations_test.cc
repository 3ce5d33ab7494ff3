#include "server/base/violations.h"

#include <string>

#include "core/base/status.h"
#include "core/base/utf8.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace unlasting::server {
namespace {

using testing::HasSubstr;

TEST(Violations, AllFieldsAreNamedAtOnce) {
  Violations violations;
  EXPECT_TRUE(violations.ToStatus().ok());
  violations.Add("a", "INVALID_DOSE", "found 0");
  violations.Add("b", WithReason(absl::InvalidArgumentError("found X"), "INVALID_VALUE"));
  violations.Add("c", absl::OkStatus());
  const absl::Status status = violations.ToStatus();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), "INVALID_DOSE");
  EXPECT_EQ(status.message(), "a: found 0; b: found X");
}

TEST(Violations, TheCodeIsCommonOrInvalidArgument) {
  Violations violations;
  violations.Add("a", "UNKNOWN_GENE", "x", absl::StatusCode::kNotFound);
  EXPECT_EQ(violations.ToStatus().code(), absl::StatusCode::kNotFound);
  violations.Add("b", "INVALID_DOSE", "y");
  EXPECT_EQ(violations.ToStatus().code(), absl::StatusCode::kInvalidArgument);
}

TEST(Violations, TheMessageSaysHowManyItLeavesOut) {
  Violations violations;
  for (int k = 0; k < 5000; ++k) violations.Add("field", "UNKNOWN_GENE", std::string(10000, 'x'));
  const std::string message(violations.ToStatus().message());
  EXPECT_THAT(message, HasSubstr("and 4995 more"));
  EXPECT_LT(message.size(), 4000u);
}

TEST(Violations, DescriptionsAreCutBetweenCharactersAndAreText) {
  Violations violations;
  std::string name = "x";
  for (int k = 0; k < 400; ++k) name += "\xC3\xA9";
  violations.Add("a", "UNKNOWN_GENE", name);
  violations.Add("b", "UNKNOWN_GENE", "found 'STAT\xE9'");
  const std::string message(violations.ToStatus().message());
  EXPECT_TRUE(IsUtf8(message));
  EXPECT_THAT(message, HasSubstr("\xC3\xA9...; b: found 'STAT\\xe9'"));
}

TEST(Violations, FieldsAreCutBetweenCharactersAndAreText) {
  Violations violations;
  std::string name = "parameters.";
  for (int k = 0; k < 100'000; ++k) name += "\xC3\xA9";
  violations.Add(name, "UNKNOWN_PARAMETER", "x");
  violations.Add("STAT\xE9", "UNKNOWN_PARAMETER", "y");
  const std::string message(violations.ToStatus().message());
  EXPECT_TRUE(IsUtf8(message));
  EXPECT_THAT(message, HasSubstr("\xC3\xA9...: x; STAT\\xe9: y"));
  EXPECT_LT(violations.ToStatus().GetPayload(kBadRequestUrl)->size(), 600u);
}

TEST(Violations, AppendKeepsTheEntriesOfBothInOrder) {
  Violations first, second;
  first.Add("a", "INVALID_DOSE", "x");
  second.Add("b", "UNKNOWN_GENE", "y");
  first.Append(second);
  EXPECT_EQ(first.ToStatus().message(), "a: x; b: y");
}

}  // namespace
}  // namespace unlasting::server
