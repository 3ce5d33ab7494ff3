// Memory that cannot be had while a step runs ends the jobs that are present, and no more.
#include "server/scheduling/executor.h"

#include <new>

#include "core/base/status.h"
#include "gtest/gtest.h"
#include "tests/server/scheduling/forwarding_engine.h"
#include "tests/server/server_support.h"
#include "tests/support/files.h"
#include "tests/support/wait_until.h"

namespace unlasting::server {
namespace {

// An engine whose first step finds no memory.
class ShortOfMemory : public ForwardingEngine {
 public:
  using ForwardingEngine::ForwardingEngine;

  absl::Status Step(absl::Span<predict::Row* const> rows) override {
    if (!failed_.exchange(true)) throw std::bad_alloc();
    return ForwardingEngine::Step(rows);
  }

 private:
  std::atomic<bool> failed_{false};
};

class Waiting : public test::RecordingListener {
 public:
  void OnEnd(const absl::Status& end, const JobTimings& spent) override {
    MutexLock lock(&mutex_);
    RecordingListener::OnEnd(end, spent);
  }
  bool ended() {
    MutexLock lock(&mutex_);
    return status.has_value();
  }

 private:
  Mutex mutex_;
};

TEST(Executor, AStepThatFindsNoMemoryEndsItsJobsAndTheNextAreServed) {
  auto scheduler = std::make_unique<Scheduler>(std::make_unique<ShortOfMemory>(test::TinyEngine()),
                                               SchedulerOptions(), Clock::Steady(), nullptr);
  Executor executor(std::move(scheduler));
  predict::PredictionTask task;
  task.controls = test::SomeControls(3);
  task.perturbations = {test::Knockout({"G1"})};
  task.options = predict::DefaultOptions(*test::TinyBundle());
  const auto first = std::make_shared<Waiting>();
  ASSERT_OK(executor.scheduler().Submit(task, first));
  ASSERT_TRUE(test::WaitUntil([&] { return first->ended(); }));
  EXPECT_EQ(first->status->code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(*first->status), "OUT_OF_MEMORY");
  const auto next = std::make_shared<Waiting>();
  ASSERT_OK(executor.scheduler().Submit(task, next));
  ASSERT_TRUE(test::WaitUntil([&] { return next->ended(); }));
  EXPECT_OK(*next->status);
  EXPECT_EQ(next->profiles.size(), 1u);
}

}  // namespace
}  // namespace unlasting::server
