#include "server/base/retry_delay.h"

#include "absl/strings/cord.h"
#include "gtest/gtest.h"

namespace unlasting::server {
namespace {

TEST(RetryDelay, ComesBackAsItWasGiven) {
  const absl::Status status =
      WithRetryDelay(absl::ResourceExhaustedError("full"), absl::Milliseconds(1250));
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(RetryDelayOf(status), absl::Milliseconds(1250));
}

TEST(RetryDelay, IsZeroWhereAStatusCarriesNone) {
  EXPECT_EQ(RetryDelayOf(absl::OkStatus()), absl::ZeroDuration());
  EXPECT_EQ(RetryDelayOf(absl::ResourceExhaustedError("full")), absl::ZeroDuration());
}

TEST(RetryDelay, IsZeroWhereThePayloadIsDamaged) {
  absl::Status status = absl::ResourceExhaustedError("full");
  status.SetPayload("type.googleapis.com/google.rpc.RetryInfo", absl::Cord("\xff"));
  EXPECT_EQ(RetryDelayOf(status), absl::ZeroDuration());
}

}  // namespace
}  // namespace unlasting::server
