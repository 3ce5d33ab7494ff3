#include "server/base/work_pool.h"

#include <atomic>

#include "gtest/gtest.h"

namespace unlasting::server {
namespace {

TEST(WorkPool, RunsEverythingBeforeItEnds) {
  std::atomic<int> count{0};
  {
    WorkPool pool(3);
    for (int k = 0; k < 1000; ++k) pool.Schedule([&count] { ++count; });
  }
  EXPECT_EQ(count, 1000);
}

TEST(WorkPool, OneThreadKeepsTheOrder) {
  std::vector<int> order;
  {
    WorkPool pool(1);
    for (int k = 0; k < 100; ++k) pool.Schedule([&order, k] { order.push_back(k); });
  }
  for (int k = 0; k < 100; ++k) EXPECT_EQ(order[k], k);
}

TEST(WorkPool, ATaskMayScheduleAnotherWhileThePoolEnds) {
  std::atomic<int> count{0};
  {
    WorkPool pool(1);
    pool.Schedule([&] { pool.Schedule([&] { ++count; }); });
  }
  EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace unlasting::server
