#include "server/scheduling/deadline_policy.h"

#include "gtest/gtest.h"

namespace unlasting::server {
namespace {

TEST(StepTimes, AreMeansBySizeInWhichRecentStepsCountMore) {
  StepTimes times;
  EXPECT_EQ(times.Of(8), absl::ZeroDuration());
  times.Observe(8, absl::Seconds(1));
  EXPECT_EQ(times.Of(8), absl::Seconds(1));
  EXPECT_EQ(times.Of(64), absl::Seconds(1)) << "the nearest smaller";
  EXPECT_EQ(times.Of(1), absl::Seconds(1)) << "the smallest there is";
  times.Observe(64, absl::Seconds(4));
  EXPECT_EQ(times.Of(8), absl::Seconds(1));
  EXPECT_EQ(times.Of(33), absl::Seconds(4));
  for (int k = 0; k < 100; ++k) times.Observe(8, absl::Seconds(2));
  EXPECT_GT(times.Of(8), absl::Milliseconds(1990));
}

TEST(StepTimes, OneStepThatTookAThousandTimesAsLongMovesTheMeanLittle) {
  StepTimes times;
  for (int k = 0; k < 10; ++k) times.Observe(2, absl::Microseconds(10));
  times.Observe(2, absl::Milliseconds(10));
  EXPECT_LE(times.Of(2), absl::Microseconds(12));
  for (int k = 0; k < 100; ++k) times.Observe(2, absl::Milliseconds(10));
  EXPECT_GE(times.Of(2), absl::Microseconds(9900)) << "it takes so long for good";
}

TEST(StepTimes, EfficientRowsAreTheFewestThatAreNearlyAsFastByTheRow) {
  StepTimes times;
  EXPECT_EQ(times.EfficientRows(64), 64) << "nothing was measured";
  EXPECT_EQ(times.PerRow(), absl::ZeroDuration());
  times.Observe(1, absl::Milliseconds(3));
  EXPECT_EQ(times.EfficientRows(64), 64) << "a full step was not";
  times.Observe(8, absl::Milliseconds(10));
  times.Observe(16, absl::Milliseconds(17));
  times.Observe(64, absl::Milliseconds(64));
  EXPECT_EQ(times.EfficientRows(64), 16);
  EXPECT_EQ(times.PerRow(), absl::Milliseconds(1));
}

TEST(StepTimes, EfficientRowsDoNotFlipOnNoise) {
  StepTimes times;
  times.Observe(16, absl::Milliseconds(16));
  times.Observe(32, absl::Microseconds(32100));
  times.Observe(64, absl::Milliseconds(64));
  const int64_t rows = times.EfficientRows(64);
  // Steps of equal size differ by a tenth, either way.
  for (int k = 0; k < 50; ++k) {
    for (const int64_t size : {16, 32, 64}) {
      times.Observe(size, size * absl::Microseconds((k + size / 16) % 2 == 0 ? 900 : 1100));
      EXPECT_EQ(times.EfficientRows(64), rows) << k;
    }
  }
  for (int k = 0; k < 100; ++k) times.Observe(rows, 3 * rows * absl::Milliseconds(1));
  EXPECT_NE(times.EfficientRows(64), rows) << "it is no longer nearly as fast";
}

TEST(StepTimes, RowsWithinATimeAreThoseOfTheSizesObserved) {
  StepTimes times;
  EXPECT_EQ(times.RowsWithin(1.5, 1, 64), 64) << "nothing was observed";
  times.Observe(1, absl::Milliseconds(2));
  times.Observe(4, absl::Milliseconds(3));
  times.Observe(64, absl::Milliseconds(40));
  EXPECT_EQ(times.RowsWithin(1.5, 1, 64), 4);
  EXPECT_EQ(times.RowsWithin(1.5, 64, 64), 64) << "never fewer";
  EXPECT_EQ(times.RowsWithin(3, 1, 64), 8) << "between two sizes in proportion";
  EXPECT_EQ(times.RowsWithin(100, 1, 64), 64);
  EXPECT_EQ(times.RowsWithin(100, 1, 50), 50);
}

TEST(StepTimes, TheTimeBetweenStepsMakesThemLarger) {
  StepTimes times;
  for (const int64_t rows : {1, 2, 4, 8, 16, 32, 64}) {
    times.Observe(rows, rows * absl::Microseconds(10));
  }
  EXPECT_EQ(times.EfficientRows(64), 1);
  EXPECT_EQ(times.RowsWithin(1.5, 2, 64), 3);
  for (int k = 0; k < 100; ++k) times.ObserveBetween(absl::Microseconds(40));
  EXPECT_GE(times.EfficientRows(64), 16);
  EXPECT_EQ(times.RowsWithin(1.5, 2, 64), 5);
  EXPECT_EQ(times.PerRow(), absl::Microseconds(10)) << "it belongs to no row";
}

TEST(StepTimes, StepsThatAreNoFasterWhenSmallAreMadeFull) {
  StepTimes times;
  for (const int64_t rows : {1, 2, 4, 8, 16, 32, 64}) times.Observe(rows, absl::Milliseconds(5));
  EXPECT_EQ(times.EfficientRows(64), 64);
}

class ShortestCompletionTest : public testing::Test {
 protected:
  ShortestCompletionTest() {
    times_.Observe(1, absl::Milliseconds(10));
    times_.Observe(64, absl::Milliseconds(100));
  }

  absl::Duration Shortest(const WorkEstimate& work, const Backlog& backlog) const {
    return ShortestCompletion(work, backlog, 64, times_);
  }

  StepTimes times_;
};

TEST_F(ShortestCompletionTest, ASingleRowTakesItsChainOfSteps) {
  EXPECT_EQ(Shortest({20, 20}, {}), absl::Milliseconds(200));
}

TEST_F(ShortestCompletionTest, ManyRowsTakeFullSteps) {
  EXPECT_EQ(Shortest({64 * 50, 20}, {}), absl::Seconds(5));
}

TEST_F(ShortestCompletionTest, OthersTakeTheirShareOfEachStep) {
  EXPECT_GT(Shortest({64 * 50, 20}, {64 * 1000, 1}), Shortest({64 * 50, 20}, {}));
  EXPECT_GE(Shortest({64 * 50, 20}, {64 * 1000, 3}), Shortest({64 * 50, 20}, {64 * 1000, 1}));
}

TEST_F(ShortestCompletionTest, ASingleRowNeedNotWaitForFullStepsOfOthers) {
  EXPECT_EQ(Shortest({20, 20}, {64 * 1000, 1}), absl::Milliseconds(200));
}

TEST_F(ShortestCompletionTest, NobodyWaitsForMoreThanAllTheWork) {
  // Ten clients with a row each do not slow a large job down tenfold.
  EXPECT_LE(Shortest({64 * 50, 20}, {10, 10}), absl::Seconds(6));
}

TEST_F(ShortestCompletionTest, WithoutMeasurementsNothingIsRefused) {
  EXPECT_EQ(ShortestCompletion({1000000, 500}, {1000000, 10}, 64, StepTimes()),
            absl::ZeroDuration());
}

}  // namespace
}  // namespace unlasting::server
