#include "server/scheduler.h"

#include <future>
#include <thread>

#include "core/base/status.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/error_details.h"
#include "server/executor.h"
#include "tests/server/server_support.h"
#include "tests/support/files.h"

namespace unlasting::server {
namespace {

using test::FakeClock;
using test::Knockout;
using test::RecordingListener;
using test::SomeControls;
using test::TinyEngine;

// An engine that tells how large its steps are, lets time pass, and breaks when told to.
class WatchedEngine : public predict::Engine {
 public:
  explicit WatchedEngine(FakeClock* clock) : inner_(TinyEngine()), clock_(clock) {}

  const bundle::Bundle& bundle() const override { return inner_->bundle(); }
  const predict::EngineOptions& options() const override { return inner_->options(); }
  absl::Status Step(absl::Span<predict::Row* const> rows) override {
    steps.push_back(static_cast<int64_t>(rows.size()));
    clock_->Advance(absl::Seconds(1));
    if (broken) return absl::InternalError("the device fell over");
    return inner_->Step(rows);
  }
  absl::StatusOr<DenseMatrix> MaskProbability(const DenseMatrix& controls,
                                              absl::Span<const int32_t> cell_type,
                                              const predict::Perturbation& perturbation) override {
    return inner_->MaskProbability(controls, cell_type, perturbation);
  }

  std::vector<int64_t> steps;
  bool broken = false;

 private:
  const std::unique_ptr<predict::Engine> inner_;
  FakeClock* const clock_;
};

class SchedulerTest : public testing::Test {
 protected:
  void Make(const SchedulerOptions& options = {}) {
    auto engine = std::make_unique<WatchedEngine>(&clock_);
    engine_ = engine.get();
    scheduler_ = std::make_unique<Scheduler>(std::move(engine), options, &clock_, nullptr);
  }

  // Without masks, so that a step's rows are the request's and no panel's.
  static JobRequest Request(int64_t cells, const std::vector<std::string>& genes,
                            uint64_t seed = 1) {
    JobRequest request;
    request.controls = SomeControls(cells, seed);
    for (const std::string& gene : genes) request.perturbations.push_back(Knockout({gene}));
    request.options = predict::DefaultOptions(*test::TinyBundle());
    request.options.mask = predict::MaskMode::kNone;
    request.options.solver_steps = 3;
    return request;
  }

  uint64_t Submit(JobRequest request, const std::shared_ptr<RecordingListener>& listener) {
    const auto id = scheduler_->Submit(std::move(request), listener);
    EXPECT_TRUE(id.ok()) << id.status();
    return id.value_or(0);
  }

  void RunToEnd() {
    while (scheduler_->RunStep()) {
    }
  }

  FakeClock clock_;
  WatchedEngine* engine_ = nullptr;
  std::unique_ptr<Scheduler> scheduler_;
};

void ExpectSameAsAlone(const JobRequest& request, const RecordingListener& listener) {
  const auto engine = TinyEngine();
  const auto alone =
      predict::PredictAll(engine.get(), request.controls, request.perturbations, request.options);
  ASSERT_OK(alone);
  ASSERT_EQ(listener.profiles.size(), alone->size());
  for (const predict::Profiles& expected : *alone) {
    const predict::Profiles& found = listener.profiles.at(expected.perturbation);
    EXPECT_THAT(found.values.values,
                ::testing::Pointwise(::testing::FloatNear(1e-4f), expected.values.values));
    EXPECT_THAT(found.active_share,
                ::testing::Pointwise(::testing::FloatNear(1e-4f), expected.active_share));
  }
}

TEST_F(SchedulerTest, AJobGetsWhatItWouldGetAlone) {
  Make();
  auto listener = std::make_shared<RecordingListener>();
  const JobRequest request = Request(5, {"G1", "G2"});
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
  const std::vector<JobRequest> requests = {Request(7, {"G1"}, 1), Request(3, {"G2", "G3"}, 2),
                                            Request(1, {"U0"}, 3)};
  std::vector<std::shared_ptr<RecordingListener>> listeners;
  for (const JobRequest& request : requests) {
    listeners.push_back(std::make_shared<RecordingListener>());
    Submit(request, listeners.back());
    scheduler_->RunStep();
  }
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
  const JobRequest request = Request(10, {"G1"});
  Submit(request, listener);
  RunToEnd();
  for (const int64_t rows : engine_->steps) EXPECT_LE(rows, 4);
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
  JobRequest request = Request(2, {"G1"});
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

TEST_F(SchedulerTest, ADeadlineThatIsPastIsRefusedAtOnce) {
  Make();
  JobRequest request = Request(2, {"G1"});
  request.deadline = clock_.Now();
  auto listener = std::make_shared<RecordingListener>();
  EXPECT_EQ(scheduler_->Submit(std::move(request), listener).status().code(),
            absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(listener->ends, 0);
}

TEST_F(SchedulerTest, AFullQueueSaysWhenToComeBack) {
  SchedulerOptions options;
  options.admission.total.rows = 20;
  options.admission.retry_delay = absl::Milliseconds(300);
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
  const JobRequest request = Request(3, {"G1", "G2"});
  slow->ready = false;
  Submit(request, slow);
  Submit(Request(2, {"G3"}), quick);
  RunToEnd();
  ASSERT_OK(*quick->status);
  EXPECT_EQ(slow->ends, 0);
  EXPECT_TRUE(slow->profiles.empty());
  for (const int64_t rows : engine_->steps) EXPECT_EQ(rows, 2);
  slow->ready = true;
  scheduler_->Wake();
  RunToEnd();
  ASSERT_OK(*slow->status);
  ExpectSameAsAlone(request, *slow);
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
  JobRequest request = Request(2, {"G1"});
  request.options.solver_steps = 100000;
  Submit(std::move(request), listener);
  RunToEnd();
  ASSERT_EQ(listener->ends, 1);
  EXPECT_EQ(listener->status->code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(SchedulerTest, InteractiveWorkOvertakesBulkWork) {
  SchedulerOptions options;
  options.max_batch = 4;
  Make(options);
  auto bulk = std::make_shared<RecordingListener>();
  auto interactive = std::make_shared<RecordingListener>();
  JobRequest request = Request(8, {"G1"});
  request.priority = JobPriority::kBulk;
  Submit(std::move(request), bulk);
  scheduler_->RunStep();
  Submit(Request(4, {"G2"}), interactive);
  while (interactive->ends == 0) ASSERT_TRUE(scheduler_->RunStep());
  EXPECT_EQ(bulk->ends, 0);
  RunToEnd();
  ASSERT_OK(*bulk->status);
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

TEST_F(SchedulerTest, OneClientCannotTakeTheWholeQueue) {
  SchedulerOptions options;
  options.admission.total.rows = 100;
  options.admission.per_client.rows = 20;
  Make(options);
  JobRequest first = Request(7, {"G1"}), second = Request(7, {"G2"}), other = Request(7, {"G3"});
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
    JobRequest request = Request(8, {"G1"}, static_cast<uint64_t>(k) + 1);
    request.client = "many";
    many.push_back(std::make_shared<RecordingListener>());
    Submit(std::move(request), many.back());
  }
  JobRequest request = Request(8, {"G1"}, 9);
  request.client = "single";
  auto single = std::make_shared<RecordingListener>();
  Submit(std::move(request), single);
  while (single->ends == 0) ASSERT_TRUE(scheduler_->RunStep());
  for (const auto& listener : many) EXPECT_EQ(listener->ends, 0);
  // 48 evaluations at half of each step of 8.
  EXPECT_LE(engine_->steps.size(), 13u);
  RunToEnd();
}

TEST_F(SchedulerTest, ADeadlineThatCannotBeMetIsRefusedAtOnce) {
  Make();
  auto listener = std::make_shared<RecordingListener>();
  JobRequest request = Request(2, {"G1"});
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
  JobRequest late = Request(4, {"G2"});
  late.deadline = clock_.Now() + absl::Seconds(5);
  late.client = "b";
  JobRequest ahead = Request(40, {"G1"});
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
  JobRequest request = Request(2, {"G1"});
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
  while (listeners[0]->ends == 0) scheduler_->RunStep();
  for (const int64_t rows : engine_->steps) EXPECT_EQ(rows, 4) << "nobody joined";
  scheduler_->RunStep();
  EXPECT_EQ(engine_->steps.back(), 8) << "two fill a step, the third waits";
  while (listeners[3]->ends == 0) scheduler_->RunStep();
  for (const auto& listener : listeners) ASSERT_OK(*listener->status);
}

TEST_F(SchedulerTest, AClockThatJumpsEndsOnlyWhatHasADeadline) {
  Make();
  auto patient = std::make_shared<RecordingListener>();
  auto hurried = std::make_shared<RecordingListener>();
  Submit(Request(2, {"G1"}), patient);
  JobRequest request = Request(2, {"G2"});
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
  JobRequest request = Request(1, {"G1"});
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
      const JobRequest request = Request(1 + static_cast<int64_t>(k) % 3, {"G1", "G2"}, k + 1);
      ASSERT_OK(executor.scheduler().Submit(request, listener));
      listener->done.get_future().wait();
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
