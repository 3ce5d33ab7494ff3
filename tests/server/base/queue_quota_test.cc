#include "server/base/queue_quota.h"

#include "core/base/status.h"
#include "gtest/gtest.h"
#include "server/base/retry_delay.h"
#include "tests/support/files.h"

namespace unlasting::server {
namespace {

QuotaLimits Limits() {
  QuotaLimits limits;
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
  for (const Amount& amount : {Amount{61, 0}, Amount{QuotaLimits::kNoLimit, 0}}) {
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

}  // namespace
}  // namespace unlasting::server
