#include "core/model/cpu/thread_team.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

namespace unlasting::model::cpu {
namespace {

TEST(ThreadTeamTest, EveryTaskRunsOnceInEveryRound) {
  ThreadTeam team(4);
  for (const int64_t tasks : {0, 1, 3, 1000}) {
    std::vector<std::atomic<int>> count(tasks);
    team.Run(tasks, [&](int64_t task, int worker) {
      EXPECT_GE(worker, 0);
      EXPECT_LT(worker, 4);
      ++count[task];
    });
    for (const auto& times : count) EXPECT_EQ(times, 1);
  }
}

TEST(ThreadTeamTest, TheFirstExceptionReachesTheCallerAndTheTeamWorksOn) {
  ThreadTeam team(3);
  EXPECT_THROW(team.Run(100, [](int64_t, int) { throw std::runtime_error("broken"); }),
               std::runtime_error);
  std::atomic<int> count = 0;
  team.Run(10, [&](int64_t, int) { ++count; });
  EXPECT_EQ(count, 10);
}

}  // namespace
}  // namespace unlasting::model::cpu
