#include "server/base/periodic_tasks.h"

#include <future>
#include <string>

#include "gtest/gtest.h"
#include "tests/server/server_support.h"
#include "tests/support/wait_until.h"

namespace unlasting::server {
namespace {

using test::FakeClock;

TEST(PeriodicTasks, RunsWhatIsDueByTheClock) {
  FakeClock clock;
  PeriodicTasks periodic(&clock);
  std::string ran;
  periodic.Every(absl::Seconds(2), [&] { ran += "a"; });
  periodic.Every(absl::Seconds(3), [&] { ran += "b"; });
  periodic.Every(absl::ZeroDuration(), [&] { ran += "never"; });
  periodic.RunDue();
  EXPECT_EQ(ran, "");
  for (int second = 0; second < 6; ++second) {
    clock.Advance(absl::Seconds(1));
    periodic.RunDue();
  }
  EXPECT_EQ(ran, "abaab");
}

TEST(PeriodicTasks, ATaskSlowerThanItsIntervalLeavesTimeForOthers) {
  FakeClock clock;
  PeriodicTasks periodic(&clock);
  int runs = 0;
  periodic.Every(absl::Seconds(1), [&] {
    ++runs;
    clock.Advance(absl::Seconds(10));
  });
  clock.Advance(absl::Seconds(1));
  periodic.RunDue();
  periodic.RunDue();
  EXPECT_EQ(runs, 1);
}

TEST(PeriodicTasks, TheThreadRunsWhatTheClockMakesDue) {
  FakeClock clock;
  std::promise<void> ran;
  PeriodicTasks periodic(&clock);
  periodic.Every(absl::Seconds(1), [&, once = false]() mutable {
    if (!once) ran.set_value();
    once = true;
  });
  periodic.Start();
  clock.Advance(absl::Seconds(1));
  EXPECT_TRUE(test::WaitUntilReady(ran.get_future()));
}

}  // namespace
}  // namespace unlasting::server
