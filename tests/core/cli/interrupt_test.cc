#include "core/cli/interrupt.h"

#include <csignal>
#include <future>

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

TEST(InterruptDeathTest, AFunctionIsCalledOnceAtTheFirstSignal) {
  EXPECT_EXIT(
      {
        if (!HandleInterrupts(SecondSignal::kIsIgnored).ok()) std::exit(3);
        std::promise<void> called;
        const auto on_interrupt = OnInterrupt::Start([&called] { called.set_value(); });
        if (!on_interrupt.ok()) std::exit(4);
        std::raise(SIGINT);
        called.get_future().get();
        // A second call would throw.
        std::raise(SIGINT);
        std::exit(0);
      },
      testing::ExitedWithCode(0), "");
}

TEST(InterruptDeathTest, AFunctionIsNotCalledWithoutASignal) {
  EXPECT_EXIT(
      {
        if (!HandleInterrupts().ok()) std::exit(3);
        {
          const auto on_interrupt = OnInterrupt::Start([] { std::_Exit(4); });
        }
        std::exit(0);
      },
      testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace unlasting::cli
