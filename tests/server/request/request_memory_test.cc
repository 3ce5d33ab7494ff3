#include "server/request/request_memory.h"

#include "core/base/status.h"
#include "gtest/gtest.h"
#include "tests/support/files.h"

namespace unlasting::server {
namespace {

TEST(RequestMemory, AHoldGrowsAndGivesAllBack) {
  RequestMemory budget(100);
  {
    IncomingHold hold(&budget);
    ASSERT_OK(hold.GrowTo("a", 40));
    ASSERT_OK(hold.GrowTo("a", 30));  // never shrinks
    ASSERT_OK(hold.GrowTo("a", 50));
    IncomingHold other(&budget);
    ASSERT_OK(other.GrowTo("b", 50));
    IncomingHold third(&budget);
    EXPECT_EQ(ReasonOf(third.GrowTo("c", 1)), "QUEUE_FULL");
    EXPECT_EQ(ReasonOf(third.GrowTo("c", 51)), "TOO_MANY_BYTES");
    other.ShrinkTo(20);
    EXPECT_EQ(budget.bytes(), 70);
  }
  EXPECT_EQ(budget.bytes(), 0);
}

TEST(RequestMemory, OneCallerHasHalfOfItAndAQuarterInUploads) {
  RequestMemory budget(100);
  IncomingHold request(&budget);
  ASSERT_OK(request.GrowTo("a", 20));
  IncomingHold upload(&budget, IncomingKind::kUpload);
  ASSERT_OK(upload.GrowTo("a", 25));
  EXPECT_EQ(ReasonOf(upload.GrowTo("a", 26)), "TOO_MANY_BYTES");
  IncomingHold second(&budget, IncomingKind::kUpload);
  EXPECT_EQ(ReasonOf(second.GrowTo("a", 1)), "CLIENT_QUEUE_FULL");
  EXPECT_EQ(ReasonOf(request.GrowTo("a", 26)), "CLIENT_QUEUE_FULL");
  EXPECT_EQ(ReasonOf(request.GrowTo("a", 51)), "TOO_MANY_BYTES");
  IncomingHold other(&budget, IncomingKind::kUpload);
  ASSERT_OK(other.GrowTo("b", 25));
  EXPECT_EQ(budget.bytes(), 70);
  upload.Release();
  ASSERT_OK(request.GrowTo("a", 50));
  EXPECT_EQ(budget.bytes(), 75);
}

}  // namespace
}  // namespace unlasting::server
