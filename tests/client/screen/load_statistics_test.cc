// What `unlasting load` says of what it measured.
#include "client/commands/load_statistics.h"

#include "gtest/gtest.h"

namespace unlasting::client {
namespace {

TEST(LoadStatistics, PercentilesAreNearestRank) {
  EXPECT_EQ(Percentile({}, 0.5), 0);
  EXPECT_EQ(Percentile({3}, 0.99), 3);
  EXPECT_EQ(Percentile({4, 1, 3, 2}, 0.5), 2);
  EXPECT_EQ(Percentile({4, 1, 3, 2}, 0.9), 4);
  EXPECT_EQ(Percentile({4, 1, 3, 2}, 0), 1);
}

TEST(LoadStatistics, FailuresAreCountedByReasonAndNotTimed) {
  LoadStatistics statistics;
  statistics.Add({16, true, "OK", 1, 0.25, 0.5});
  statistics.Add({1, true, "OK", 3, 0.75, 0.5});
  statistics.Add({0, false, "QUEUE_FULL", 100, 0, 0});
  const nlohmann::json summary = statistics.Summarize(2);
  EXPECT_EQ(summary["calls"], 3);
  EXPECT_EQ(summary["failed"], 1);
  EXPECT_EQ(summary["failures"]["QUEUE_FULL"], 1);
  EXPECT_EQ(summary["cells_per_second"], 8.5);
  EXPECT_EQ(summary["latency_seconds"]["max"], 3);
  EXPECT_EQ(summary["queue_seconds"]["p50"], 0.25);
  EXPECT_EQ(summary["by_cells"]["16"]["calls"], 1);
}

}  // namespace
}  // namespace unlasting::client
