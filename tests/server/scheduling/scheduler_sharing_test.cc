// Who is admitted, who waits for whom, and who is left.
#include "core/base/status.h"
#include "server/base/retry_delay.h"
#include "tests/server/scheduling/scheduler_fixture.h"

namespace unlasting::server {
namespace {

using testing::AllOf;
using testing::Each;
using testing::IsEmpty;
using testing::Not;

TEST_F(SchedulerTest, ADeadlineThatIsPastIsRefusedAtOnce) {
  Make();
  PredictionTask request = Request(2, {"G1"});
  request.deadline = clock_.Now();
  auto listener = std::make_shared<RecordingListener>();
  EXPECT_EQ(scheduler_->Submit(std::move(request), listener).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(listener->ends, 0);
}

TEST_F(SchedulerTest, AFullQueueSaysWhenToComeBack) {
  SchedulerOptions options;
  options.queue.total.rows = 20;
  options.queue.retry_delay = absl::Milliseconds(300);
  Make(options);
  auto first = std::make_shared<RecordingListener>();
  auto second = std::make_shared<RecordingListener>();
  Submit(Request(7, {"G1"}), first);  // 7 inversions and 7 predictions
  const auto refused = scheduler_->Submit(Request(4, {"G1"}), second).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), "QUEUE_FULL");
  EXPECT_EQ(RetryDelayOf(refused), absl::Milliseconds(300));
  RunToEnd();
  Submit(Request(4, {"G1"}), second);
  RunToEnd();
  ASSERT_OK(*second->status);
  const auto never = scheduler_->Submit(Request(11, {"G1"}), second).status();
  EXPECT_EQ(ReasonOf(never), "TOO_MANY_ROWS");
  EXPECT_EQ(RetryDelayOf(never), absl::ZeroDuration());
}

TEST_F(SchedulerTest, AReaderThatIsFullPausesItsOwnJobOnly) {
  Make();
  auto slow = std::make_shared<RecordingListener>();
  auto quick = std::make_shared<RecordingListener>();
  const PredictionTask request = Request(3, {"G1", "G2"});
  slow->ready = false;
  Submit(request, slow);
  Submit(Request(2, {"G3"}), quick);
  RunToEnd();
  ASSERT_OK(*quick->status);
  EXPECT_EQ(slow->ends, 0);
  EXPECT_TRUE(slow->profiles.empty());
  EXPECT_THAT(engine_->steps, AllOf(Not(IsEmpty()), Each(2)));
  slow->ready = true;
  scheduler_->Wake();
  RunToEnd();
  ASSERT_OK(*slow->status);
  ExpectSameAsAlone(request, *slow);
}

TEST_F(SchedulerTest, InteractiveWorkOvertakesBulkWork) {
  SchedulerOptions options;
  options.max_batch = 4;
  Make(options);
  auto bulk = std::make_shared<RecordingListener>();
  auto interactive = std::make_shared<RecordingListener>();
  PredictionTask request = Request(8, {"G1"});
  request.priority = JobPriority::kBulk;
  Submit(std::move(request), bulk);
  scheduler_->RunStep();
  Submit(Request(4, {"G2"}), interactive);
  RunUntilEnd(*interactive);
  EXPECT_EQ(bulk->ends, 0);
  RunToEnd();
  ASSERT_OK(*bulk->status);
}

TEST_F(SchedulerTest, OneClientCannotTakeTheWholeQueue) {
  SchedulerOptions options;
  options.queue.total.rows = 100;
  options.queue.per_client.rows = 20;
  Make(options);
  PredictionTask first = Request(7, {"G1"}), second = Request(7, {"G2"}),
                 other = Request(7, {"G3"});
  first.client = second.client = "a";
  other.client = "b";
  auto listener = std::make_shared<RecordingListener>();
  Submit(std::move(first), listener);
  EXPECT_EQ(ReasonOf(scheduler_->Submit(second, listener).status()), "CLIENT_QUEUE_FULL");
  Submit(std::move(other), std::make_shared<RecordingListener>());
  RunToEnd();
  ASSERT_OK(scheduler_->Submit(second, listener));
}

TEST_F(SchedulerTest, ClientsShareStepsHoweverManyJobsTheyHave) {
  SchedulerOptions options;
  options.max_batch = 8;
  Make(options);
  std::vector<std::shared_ptr<RecordingListener>> many;
  for (int k = 0; k < 3; ++k) {
    PredictionTask request = Request(8, {"G1"}, static_cast<uint64_t>(k) + 1);
    request.client = "many";
    many.push_back(std::make_shared<RecordingListener>());
    Submit(std::move(request), many.back());
  }
  PredictionTask request = Request(8, {"G1"}, 9);
  request.client = "single";
  auto single = std::make_shared<RecordingListener>();
  Submit(std::move(request), single);
  RunUntilEnd(*single);
  for (const int k : {1, 2}) EXPECT_EQ(many[k]->ends, 0) << "after the first in its client's part";
  // 48 evaluations at half of each step of 8.
  EXPECT_LE(engine_->steps.size(), 13u);
  RunToEnd();
}

TEST_F(SchedulerTest, ADeadlineThatCannotBeMetIsRefusedAtOnce) {
  Make();
  auto listener = std::make_shared<RecordingListener>();
  PredictionTask request = Request(2, {"G1"});
  request.deadline = clock_.Now() + absl::Milliseconds(2500);
  // 3 steps back from the latent, a second each.
  scheduler_->LearnStepTime(2, absl::Seconds(1));
  const absl::Status refused = scheduler_->Submit(request, listener).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(ReasonOf(refused), "DEADLINE_CANNOT_BE_MET");
  EXPECT_EQ(scheduler_->queued_rows(), 0);
  request.deadline = clock_.Now() + absl::Seconds(6);
  Submit(std::move(request), listener);
  RunToEnd();
  ASSERT_OK(*listener->status);
}

TEST_F(SchedulerTest, WhatIsAheadCountsForADeadline) {
  SchedulerOptions options;
  options.max_batch = 4;
  Make(options);
  scheduler_->LearnStepTime(4, absl::Seconds(1));
  auto busy = std::make_shared<RecordingListener>();
  auto listener = std::make_shared<RecordingListener>();
  PredictionTask late = Request(4, {"G2"});
  late.deadline = clock_.Now() + absl::Seconds(5);
  late.client = "b";
  PredictionTask ahead = Request(40, {"G1"});
  ahead.client = "a";
  const uint64_t id = Submit(std::move(ahead), busy);
  scheduler_->RunStep();
  EXPECT_EQ(ReasonOf(scheduler_->Submit(late, listener).status()), "DEADLINE_CANNOT_BE_MET");
  scheduler_->Cancel(id);
  scheduler_->RunStep();
  late.deadline = clock_.Now() + absl::Seconds(5);
  EXPECT_TRUE(scheduler_->Submit(late, listener).ok()) << "alone there is time";
}

TEST_F(SchedulerTest, DeadlinesMayBeLeftToTheCallers) {
  SchedulerOptions options;
  options.refuse_late = false;
  Make(options);
  scheduler_->LearnStepTime(2, absl::Hours(1));
  PredictionTask request = Request(2, {"G1"});
  request.deadline = clock_.Now() + absl::Seconds(30);
  auto listener = std::make_shared<RecordingListener>();
  Submit(std::move(request), listener);
  RunToEnd();
  ASSERT_OK(*listener->status);
}

TEST_F(SchedulerTest, AReaderThatDoesNotReadForTooLongIsLeft) {
  SchedulerOptions options;
  options.reader_patience = absl::Seconds(60);
  Make(options);
  auto listener = std::make_shared<RecordingListener>();
  listener->ready = false;
  Submit(Request(2, {"G1"}), listener);
  scheduler_->RunStep();
  clock_.Advance(absl::Seconds(59));
  scheduler_->RunStep();
  listener->ready = true;
  scheduler_->RunStep();
  listener->ready = false;
  scheduler_->RunStep();
  clock_.Advance(absl::Seconds(59));
  scheduler_->RunStep();
  EXPECT_EQ(listener->ends, 0) << "it read in between";
  clock_.Advance(absl::Seconds(1));
  scheduler_->RunStep();
  EXPECT_EQ(listener->ends, 1);
  EXPECT_EQ(ReasonOf(*listener->status), "SLOW_READER");
  EXPECT_EQ(scheduler_->queued_rows(), 0);
}

TEST_F(SchedulerTest, RequestLevelBatchesJoinOnlyWhenNobodyIsAtWork) {
  SchedulerOptions options;
  options.request_level = true;
  options.max_batch = 8;
  Make(options);
  std::vector<std::shared_ptr<RecordingListener>> listeners;
  for (int k = 0; k < 4; ++k) {
    listeners.push_back(std::make_shared<RecordingListener>());
    Submit(Request(4, {"G1"}, static_cast<uint64_t>(k) + 1), listeners.back());
    if (k == 0) scheduler_->RunStep();
  }
  EXPECT_EQ(engine_->steps[0], 4);
  RunUntilEnd(*listeners[0]);
  EXPECT_THAT(engine_->steps, AllOf(Not(IsEmpty()), Each(4))) << "nobody joined";
  scheduler_->RunStep();
  EXPECT_EQ(engine_->steps.back(), 8) << "two fill a step, the third waits";
  RunUntilEnd(*listeners[3]);
  for (const auto& listener : listeners) ASSERT_OK(*listener->status);
}

TEST_F(SchedulerTest, AClockThatJumpsEndsOnlyWhatHasADeadline) {
  Make();
  auto patient = std::make_shared<RecordingListener>();
  auto hurried = std::make_shared<RecordingListener>();
  Submit(Request(2, {"G1"}), patient);
  PredictionTask request = Request(2, {"G2"});
  request.deadline = clock_.Now() + absl::Minutes(1);
  Submit(std::move(request), hurried);
  scheduler_->RunStep();
  clock_.Advance(-absl::Hours(5));
  scheduler_->RunStep();
  EXPECT_EQ(hurried->ends, 0);
  clock_.Advance(absl::Hours(50));
  RunToEnd();
  ASSERT_OK(*patient->status);
  EXPECT_EQ(hurried->status->code(), absl::StatusCode::kDeadlineExceeded);
}

TEST_F(SchedulerTest, BulkWorkGoesOnUnderEndlessInteractiveWork) {
  SchedulerOptions options;
  options.max_batch = 2;
  options.bulk_patience = absl::Seconds(5);
  Make(options);
  auto bulk = std::make_shared<RecordingListener>();
  PredictionTask request = Request(1, {"G1"});
  request.priority = JobPriority::kBulk;
  request.client = "screen";
  Submit(std::move(request), bulk);
  for (int step = 0; bulk->ends == 0; ++step) {
    ASSERT_LT(step, 60);
    // Always more than a step of interactive rows.
    if (step % 2 == 0) Submit(Request(2, {"G2"}), std::make_shared<RecordingListener>());
    scheduler_->RunStep();
  }
  ASSERT_OK(*bulk->status);
}

}  // namespace
}  // namespace unlasting::server
