#include "server/scheduling/scheduler.h"

#include <future>
#include <thread>

#include "core/base/status.h"
#include "server/scheduling/executor.h"
#include "tests/server/scheduling/scheduler_fixture.h"
#include "tests/support/wait_until.h"

namespace unlasting::server {
namespace {

using testing::AllOf;
using testing::Each;
using testing::IsEmpty;
using testing::Le;
using testing::Not;

TEST_F(SchedulerTest, AJobGetsWhatItWouldGetAlone) {
  Make();
  auto listener = std::make_shared<RecordingListener>();
  const PredictionTask request = Request(5, {"G1", "G2"});
  Submit(request, listener);
  RunToEnd();
  EXPECT_EQ(listener->ends, 1);
  ASSERT_OK(*listener->status);
  ExpectSameAsAlone(request, *listener);
  EXPECT_EQ(listener->timings.evaluations, 5 * 3 * 3);
  EXPECT_EQ(listener->progress.evaluations_done, listener->progress.evaluations_total);
  EXPECT_EQ(scheduler_->queued_rows(), 0);
}

TEST_F(SchedulerTest, JobsShareStepsAndStayBitwiseWhatTheyAreAlone) {
  Make();
  const std::vector<PredictionTask> requests = {Request(7, {"G1"}, 1), Request(3, {"G2", "G3"}, 2),
                                                Request(1, {"U0"}, 3)};
  const auto listeners = SubmitInTurn(requests);
  RunToEnd();
  for (size_t k = 0; k < requests.size(); ++k) {
    EXPECT_EQ(listeners[k]->ends, 1);
    ExpectSameAsAlone(requests[k], *listeners[k]);
  }
  // 7 rows alone, then 10, then 11 with the third job.
  ASSERT_GE(engine_->steps.size(), 3u);
  EXPECT_EQ(engine_->steps[0], 7);
  EXPECT_EQ(engine_->steps[1], 10);
  EXPECT_EQ(engine_->steps[2], 11);
}

TEST_F(SchedulerTest, StepsHoldNoMoreRowsThanAllowed) {
  SchedulerOptions options;
  options.max_batch = 4;
  Make(options);
  auto listener = std::make_shared<RecordingListener>();
  const PredictionTask request = Request(10, {"G1"});
  Submit(request, listener);
  RunToEnd();
  EXPECT_THAT(engine_->steps, AllOf(Not(IsEmpty()), Each(Le(4))));
  ExpectSameAsAlone(request, *listener);
}

TEST_F(SchedulerTest, ACancelledJobLeavesAtTheNextStep) {
  Make();
  auto cancelled = std::make_shared<RecordingListener>();
  auto other = std::make_shared<RecordingListener>();
  const uint64_t id = Submit(Request(6, {"G1"}), cancelled);
  Submit(Request(2, {"G2"}), other);
  scheduler_->RunStep();
  scheduler_->Cancel(id);
  scheduler_->Cancel(12345);
  scheduler_->RunStep();
  EXPECT_EQ(cancelled->ends, 1);
  EXPECT_EQ(cancelled->status->code(), absl::StatusCode::kCancelled);
  EXPECT_EQ(engine_->steps.back(), 2) << "its rows are free";
  RunToEnd();
  EXPECT_EQ(cancelled->ends, 1);
  ASSERT_OK(*other->status);
  EXPECT_EQ(scheduler_->queued_rows(), 0);
}

TEST_F(SchedulerTest, AnExpiredJobLeavesAtTheNextStep) {
  Make();
  auto listener = std::make_shared<RecordingListener>();
  PredictionTask request = Request(2, {"G1"});
  request.deadline = clock_.Now() + absl::Seconds(2);
  Submit(std::move(request), listener);
  scheduler_->RunStep();
  scheduler_->RunStep();
  EXPECT_EQ(listener->ends, 0);
  scheduler_->RunStep();
  EXPECT_EQ(listener->ends, 1);
  EXPECT_EQ(listener->status->code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(engine_->steps.size(), 2u);
}

TEST_F(SchedulerTest, ABrokenStepFailsItsJobsAndNoOthers) {
  Make();
  auto failed = std::make_shared<RecordingListener>();
  Submit(Request(2, {"G1"}), failed);
  engine_->broken = true;
  scheduler_->RunStep();
  EXPECT_EQ(failed->ends, 1);
  EXPECT_EQ(failed->status->code(), absl::StatusCode::kInternal);
  engine_->broken = false;
  auto next = std::make_shared<RecordingListener>();
  Submit(Request(2, {"G1"}), next);
  RunToEnd();
  ASSERT_OK(*next->status);
  EXPECT_EQ(scheduler_->queued_rows(), 0);
}

TEST_F(SchedulerTest, OptionsThatTheModelRefusesEndTheJob) {
  Make();
  auto listener = std::make_shared<RecordingListener>();
  PredictionTask request = Request(2, {"G1"});
  request.options.solver_steps = 100000;
  Submit(std::move(request), listener);
  RunToEnd();
  ASSERT_EQ(listener->ends, 1);
  EXPECT_EQ(listener->status->code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SchedulerTest, TimingsTellQueueFromCompute) {
  Make();
  auto listener = std::make_shared<RecordingListener>();
  Submit(Request(2, {"G1"}), listener);
  clock_.Advance(absl::Seconds(5));
  RunToEnd();
  EXPECT_EQ(listener->timings.queue, absl::Seconds(5));
  EXPECT_EQ(listener->timings.compute, absl::Seconds(6)) << "3 steps each way, a second each";
  EXPECT_EQ(listener->timings.total, absl::Seconds(11));
}

TEST_F(SchedulerTest, StopEndsWhatIsThereAndAdmitsNoMore) {
  Make();
  auto running = std::make_shared<RecordingListener>();
  auto waiting = std::make_shared<RecordingListener>();
  Submit(Request(2, {"G1"}), running);
  scheduler_->RunStep();
  Submit(Request(2, {"G1"}), waiting);
  scheduler_->Stop();
  EXPECT_TRUE(scheduler_->WaitForWork());
  scheduler_->RunStep();
  EXPECT_FALSE(scheduler_->WaitForWork());
  for (const auto& listener : {running, waiting}) {
    EXPECT_EQ(listener->ends, 1);
    EXPECT_EQ(listener->status->code(), absl::StatusCode::kUnavailable);
  }
  EXPECT_EQ(ReasonOf(scheduler_->Submit(Request(2, {"G1"}), waiting).status()), "SHUTTING_DOWN");
}

// A listener that lets another thread wait for the end.
class WaitingListener : public RecordingListener {
 public:
  void OnEnd(const absl::Status& end, const JobTimings& spent) override {
    RecordingListener::OnEnd(end, spent);
    done.set_value();
  }
  std::promise<void> done;
};

TEST_F(SchedulerTest, TheExecutorRunsJobsOfManyThreads) {
  Make();
  Executor executor(std::move(scheduler_));
  std::vector<std::thread> threads;
  for (uint64_t k = 0; k < 8; ++k) {
    threads.emplace_back([&executor, k] {
      auto listener = std::make_shared<WaitingListener>();
      const PredictionTask request = Request(1 + static_cast<int64_t>(k) % 3, {"G1", "G2"}, k + 1);
      ASSERT_OK(executor.scheduler().Submit(request, listener));
      ASSERT_TRUE(test::WaitUntilReady(listener->done.get_future()));
      ExpectSameAsAlone(request, *listener);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(SchedulerTest, TheExecutorEndsWithJobsLeft) {
  Make();
  auto listener = std::make_shared<WaitingListener>();
  listener->ready = false;
  {
    Executor executor(std::move(scheduler_));
    ASSERT_OK(executor.scheduler().Submit(Request(2, {"G1"}), listener));
  }
  EXPECT_EQ(listener->ends, 1);
  EXPECT_EQ(listener->status->code(), absl::StatusCode::kUnavailable);
}

}  // namespace
}  // namespace unlasting::server
