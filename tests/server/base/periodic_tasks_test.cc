#include "server/base/periodic_tasks.h"

#include <fstream>
#include <future>

#include "core/base/file.h"
#include "gmock/gmock.h"
#include "server/base/file_identity.h"
#include "tests/server/server_support.h"
#include "tests/support/files.h"

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
  for (int second = 1; second <= 6; ++second) {
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

TEST(PeriodicTasks, TheThreadAsksTheClock) {
  FakeClock clock;
  std::promise<void> ran;
  {
    PeriodicTasks periodic(&clock);
    periodic.Every(absl::Seconds(1), [&, once = false]() mutable {
      if (!once) ran.set_value();
      once = true;
    });
    periodic.Start();
    clock.Advance(absl::Seconds(1));
    ran.get_future().wait();
  }
}

TEST(FileIdentity, SeesWritesReplacementsAndLinksThatLeadElsewhere) {
  const test::TempFolder folder;
  EXPECT_FALSE(IdentityOf(folder.At("a")).exists);
  ASSERT_OK(WriteFileAtomically(folder.At("a"), "1"));
  ASSERT_OK(WriteFileAtomically(folder.At("b"), "1"));
  const FileIdentity first = IdentityOf(folder.At("a"));
  EXPECT_EQ(first, IdentityOf(folder.At("a")));
  EXPECT_NE(first, IdentityOf(folder.At("b")));

  std::filesystem::create_symlink("a", folder.At("link"));
  EXPECT_EQ(IdentityOf(folder.At("link")), first);
  std::filesystem::create_symlink("b", folder.At("next"));
  std::filesystem::rename(folder.At("next"), folder.At("link"));
  EXPECT_NE(IdentityOf(folder.At("link")), first);

  ASSERT_OK(WriteFileAtomically(folder.At("a"), "1"));
  EXPECT_NE(IdentityOf(folder.At("a")), first);
}

}  // namespace
}  // namespace unlasting::server
