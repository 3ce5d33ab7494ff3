// Bounds on rows and bytes, and deadlines that cannot be met.
#include "core/base/status.h"
#include "gtest/gtest.h"
#include "server/base/error_details.h"
#include "server/request/request_memory.h"
#include "server/scheduling/deadline_policy.h"
#include "server/scheduling/queue_quota.h"
#include "tests/support/files.h"

namespace unlasting::server {
namespace {

AdmissionLimits Limits() {
  AdmissionLimits limits;
  limits.total = {100, 1000};
  limits.per_client = {60, 600};
  limits.retry_delay = absl::Seconds(3);
  return limits;
}

TEST(QueueQuota, TakesUntilTheTotalIsFull) {
  QueueQuota quota(Limits());
  ASSERT_OK(quota.Take("a", {60, 10}));
  ASSERT_OK(quota.Take("b", {40, 10}));
  const absl::Status full = quota.Take("c", {1, 0});
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(full), "QUEUE_FULL");
  EXPECT_EQ(RetryDelayOf(full), absl::Seconds(3));
  quota.Return("b", {1, 0});
  ASSERT_OK(quota.Take("c", {1, 0}));
}

TEST(QueueQuota, OneClientCannotTakeAll) {
  QueueQuota quota(Limits());
  ASSERT_OK(quota.Take("a", {50, 0}));
  const absl::Status full = quota.Take("a", {11, 0});
  EXPECT_EQ(ReasonOf(full), "CLIENT_QUEUE_FULL");
  EXPECT_EQ(RetryDelayOf(full), absl::Seconds(3));
  ASSERT_OK(quota.Take("b", {11, 0}));
}

TEST(QueueQuota, BytesBoundAsRowsDo) {
  QueueQuota quota(Limits());
  ASSERT_OK(quota.Take("a", {1, 600}));
  EXPECT_EQ(ReasonOf(quota.Take("a", {1, 1})), "CLIENT_QUEUE_FULL");
  EXPECT_EQ(ReasonOf(quota.Take("b", {1, 401})), "QUEUE_FULL");
  ASSERT_OK(quota.Take("b", {1, 400}));
}

TEST(QueueQuota, WhatWouldNeverFitIsNotToldToComeBack) {
  QueueQuota quota(Limits());
  for (const Amount& amount : {Amount{61, 0}, Amount{AdmissionLimits::kNoLimit, 0}}) {
    const absl::Status never = quota.Take("a", amount);
    EXPECT_EQ(ReasonOf(never), "TOO_MANY_ROWS");
    EXPECT_EQ(RetryDelayOf(never), absl::ZeroDuration());
  }
  EXPECT_EQ(ReasonOf(quota.Take("a", {1, 601})), "TOO_MANY_BYTES");
  EXPECT_EQ(quota.total().rows, 0);
}

TEST(QueueQuota, ARefusalTakesNothing) {
  QueueQuota quota(Limits());
  ASSERT_OK(quota.Take("a", {60, 100}));
  EXPECT_FALSE(quota.Take("b", {41, 100}).ok());
  EXPECT_EQ(quota.total().bytes, 100);
  quota.Return("a", {60, 100});
  ASSERT_OK(quota.Take("a", {60, 600}));
}

TEST(RequestMemory, AHoldGrowsAndGivesAllBack) {
  RequestMemory budget(100);
  {
    IncomingHold hold(&budget);
    ASSERT_OK(hold.GrowTo("a", 40));
    ASSERT_OK(hold.GrowTo("a", 30));  // never shrinks
    ASSERT_OK(hold.GrowTo("a", 90));
    IncomingHold other(&budget);
    EXPECT_EQ(ReasonOf(other.GrowTo("b", 11)), "QUEUE_FULL");
    EXPECT_EQ(ReasonOf(other.GrowTo("b", 101)), "TOO_MANY_BYTES");
    EXPECT_EQ(budget.bytes(), 90);
  }
  EXPECT_EQ(budget.bytes(), 0);
}

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
