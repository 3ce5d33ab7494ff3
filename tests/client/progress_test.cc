#include "client/progress.h"

#include "gtest/gtest.h"

namespace unlasting::client {
namespace {

TEST(Progress, ALineTellsShareRateAndTimeLeft) {
  EXPECT_EQ(ProgressLine("predict", ProgressStyle::kPlain, 250, 1000, absl::Seconds(10)),
            "predict  25% 250/1000 evaluations 25/s ETA 0:30");
  EXPECT_EQ(ProgressLine("predict", ProgressStyle::kBar, 500, 1000, absl::Seconds(10)),
            "predict [===============               ]  50% 500/1000 evaluations 50/s ETA 0:10");
}

TEST(Progress, TheTimeLeftIsUnknownAtTheStartAndReadableWhenLong) {
  EXPECT_EQ(ProgressLine("p", ProgressStyle::kPlain, 0, 10, absl::ZeroDuration()),
            "p   0% 0/10 evaluations 0/s ETA ?");
  EXPECT_EQ(ProgressLine("p", ProgressStyle::kPlain, 1, 7262, absl::Seconds(1)),
            "p   0% 1/7262 evaluations 1/s ETA 2:01:01");
}

TEST(Progress, StylesAreWords) {
  EXPECT_EQ(*ParseProgressStyle("bar"), ProgressStyle::kBar);
  EXPECT_EQ(*ParseProgressStyle("none"), ProgressStyle::kNone);
  EXPECT_FALSE(ParseProgressStyle("loud").ok());
}

}  // namespace
}  // namespace unlasting::client
