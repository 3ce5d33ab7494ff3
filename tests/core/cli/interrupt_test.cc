#include "core/cli/interrupt.h"

#include <csignal>

#include "gtest/gtest.h"

namespace unlasting::cli {
namespace {

// Signals end processes, so each case runs in a process of its own.
TEST(InterruptDeathTest, ASignalSetsTheFlagAndWakesWhoWaits) {
  EXPECT_EXIT(
      {
        if (!HandleInterrupts().ok() || Interrupted()) std::exit(3);
        std::raise(SIGTERM);
        WaitForInterrupt();
        std::exit(Interrupted() ? 0 : 4);
      },
      testing::ExitedWithCode(0), "");
}

TEST(InterruptDeathTest, ASecondSignalEndsTheProgram) {
  EXPECT_EXIT(
      {
        if (!HandleInterrupts().ok()) std::exit(3);
        std::raise(SIGINT);
        std::raise(SIGINT);
        std::exit(0);
      },
      testing::KilledBySignal(SIGINT), "");
}

TEST(InterruptDeathTest, ASecondSignalIsIgnoredWhereTheProgramAsksForIt) {
  EXPECT_EXIT(
      {
        if (!HandleInterrupts(SecondSignal::kIsIgnored).ok()) std::exit(3);
        std::raise(SIGINT);
        std::raise(SIGINT);
        std::exit(Interrupted() ? 0 : 4);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace unlasting::cli
