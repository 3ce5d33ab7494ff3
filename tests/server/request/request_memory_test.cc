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
    ASSERT_OK(hold.GrowTo("a", 90));
    IncomingHold other(&budget);
    EXPECT_EQ(ReasonOf(other.GrowTo("b", 11)), "QUEUE_FULL");
    EXPECT_EQ(ReasonOf(other.GrowTo("b", 101)), "TOO_MANY_BYTES");
    EXPECT_EQ(budget.bytes(), 90);
  }
  EXPECT_EQ(budget.bytes(), 0);
}

}  // namespace
}  // namespace unlasting::server
