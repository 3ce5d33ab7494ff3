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
  IncomingHold second(&budget, IncomingKind::kUpload);
  EXPECT_EQ(ReasonOf(second.GrowTo("a", 1)), "CLIENT_QUEUE_FULL");
  EXPECT_EQ(ReasonOf(second.GrowTo("a", 26)), "TOO_MANY_BYTES");
  IncomingHold more(&budget);
  EXPECT_EQ(ReasonOf(more.GrowTo("a", 6)), "CLIENT_QUEUE_FULL");
  EXPECT_EQ(ReasonOf(more.GrowTo("a", 51)), "TOO_MANY_BYTES");
  IncomingHold other(&budget, IncomingKind::kUpload);
  ASSERT_OK(other.GrowTo("b", 25));
  EXPECT_EQ(budget.bytes(), 70);
  upload.Release();
  ASSERT_OK(request.GrowTo("a", 50));
  EXPECT_EQ(budget.bytes(), 75);
}

TEST(RequestMemory, CallsThatWantMoreAtOnceDoNotRefuseEachOtherToTheLast) {
  RequestMemory budget(400);
  for (const IncomingKind kind :
       {IncomingKind::kRequest, IncomingKind::kUpload, IncomingKind::kAnswer}) {
    IncomingHold first(&budget, kind);
    IncomingHold second(&budget, kind);
    const int64_t share = budget.max_bytes(kind) / 2;
    ASSERT_OK(first.GrowTo("a", share));
    ASSERT_OK(second.GrowTo("a", share));
    EXPECT_EQ(ReasonOf(first.GrowTo("a", share + 1)), "CLIENT_QUEUE_FULL");
    EXPECT_EQ(first.bytes(), 0);
    EXPECT_EQ(budget.bytes(), share);
    ASSERT_OK(second.GrowTo("a", 2 * share));
    EXPECT_EQ(ReasonOf(second.GrowTo("a", 2 * share + 1)), "TOO_MANY_BYTES");
    EXPECT_EQ(budget.bytes(), 0);
  }
}

}  // namespace
}  // namespace unlasting::server
