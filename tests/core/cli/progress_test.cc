#include "core/cli/progress.h"

#include "gtest/gtest.h"

namespace unlasting::cli {
namespace {

ProgressState At(int64_t done, int64_t total, absl::Duration elapsed) {
  ProgressState state;
  state.done = done;
  state.total = total;
  state.elapsed = elapsed;
  return state;
}

TEST(Progress, ALineTellsShareRateAndTimeLeftInTheUnitThatIsCounted) {
  EXPECT_EQ(ProgressLine("predict", "evaluations", ProgressStyle::kPlain,
                         At(250, 1000, absl::Seconds(10))),
            "predict  25% 250/1000 evaluations 25/s ETA 0:30");
  EXPECT_EQ(
      ProgressLine("screen", "perturbations", ProgressStyle::kBar, At(12, 24, absl::Seconds(3))),
      "screen [===============               ]  50% 12/24 perturbations 4.0/s ETA 0:03");
}

TEST(Progress, TheTimeLeftIsUnknownAtTheStartAndReadableWhenLong) {
  EXPECT_EQ(ProgressLine("p", "cells", ProgressStyle::kPlain, At(0, 10, absl::ZeroDuration())),
            "p   0% 0/10 cells ETA ?");
  EXPECT_EQ(ProgressLine("p", "cells", ProgressStyle::kPlain, At(1, 7262, absl::Seconds(1))),
            "p   0% 1/7262 cells 1.0/s ETA 2:01:01");
}

TEST(Progress, TheLastLineTellsHowLongItTook) {
  ProgressState state = At(10, 10, absl::Seconds(65));
  state.detail = "loss 0.8123";
  EXPECT_EQ(ProgressLine("fit", "steps", ProgressStyle::kPlain, state),
            "fit 100% 10/10 steps 0.2/s took 1:05 loss 0.8123");
}

TEST(Progress, WhatWasDoneBeforeAResumeDoesNotCountTowardsTheRate) {
  ProgressState state = At(900, 1000, absl::Seconds(10));
  state.done_at_start = 800;
  EXPECT_EQ(ProgressLine("fit", "steps", ProgressStyle::kPlain, state),
            "fit  90% 900/1000 steps 10/s ETA 0:10");
}

TEST(Progress, StylesAreWords) {
  EXPECT_EQ(*ParseProgressStyle("bar"), ProgressStyle::kBar);
  EXPECT_EQ(*ParseProgressStyle("none"), ProgressStyle::kNone);
  EXPECT_FALSE(ParseProgressStyle("loud").ok());
}

}  // namespace
}  // namespace unlasting::cli
