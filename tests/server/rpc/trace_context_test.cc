#include "server/rpc/trace_context.h"

#include "gtest/gtest.h"

namespace unlasting::server {
namespace {

TEST(TraceContext, AValidTraceparentIsTaken) {
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const std::string parent = "00f067aa0ba902b7";
  const TraceParent found = ParseTraceParent("00-" + trace + "-" + parent + "-01");
  EXPECT_EQ(found.trace_id, trace);
  EXPECT_EQ(found.parent_id, parent);
  EXPECT_EQ(ParseTraceParent("01-" + trace + "-" + parent + "-01-more").trace_id, trace);
}

TEST(TraceContext, ABrokenTraceparentIsAsGoodAsNone) {
  const std::string trace = "4bf92f3577b34da6a3ce929d0e0e4736";
  const std::string parent = "00f067aa0ba902b7";
  for (const std::string& broken :
       {std::string(), "00-" + trace + "-" + parent, "00-" + trace + "-" + parent + "-01-more",
        "ff-" + trace + "-" + parent + "-01", "00-" + std::string(32, '0') + "-" + parent + "-01",
        "00-" + trace + "-" + std::string(16, '0') + "-01", "00_" + trace + "-" + parent + "-01",
        "00-" + std::string(32, 'G') + "-" + parent + "-01", std::string(10000, '-')}) {
    EXPECT_EQ(ParseTraceParent(broken).trace_id, "") << broken.substr(0, 60);
  }
}

TEST(TraceContext, TheCallersRequestIdIsKeptWhereItIsHarmless) {
  EXPECT_EQ(RequestIdOf("job-7.a:b_c"), "job-7.a:b_c");
  for (const std::string& harmful :
       {std::string(), std::string("a b"), std::string("a\nlevel=error"), std::string(129, 'x'),
        std::string("\xff")}) {
    const std::string made = RequestIdOf(harmful);
    EXPECT_EQ(made.size(), 16u);
    EXPECT_NE(made, RequestIdOf(harmful));
  }
}

}  // namespace
}  // namespace unlasting::server
