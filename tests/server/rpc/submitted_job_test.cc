// The job of a call is cancelled whenever that is asked for, is counted once, and keeps its model
// no longer than the call.
#include "server/rpc/submitted_job.h"

#include <atomic>
#include <thread>

#include "absl/strings/match.h"
#include "core/base/status.h"
#include "gmock/gmock.h"
#include "tests/server/server_support.h"
#include "tests/support/files.h"
#include "tests/support/wait_until.h"

namespace unlasting::server {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Not;
using testing::Pair;

// Keeps the end of a job, which gets no rows while the reader is not ready.
class Reader : public JobListener {
 public:
  explicit Reader(bool ready) : ready_(ready) {}

  bool Ready() override { return ready_; }
  void OnProfiles(predict::Profiles) override {}
  void OnProgress(const JobProgress&) override {}
  void OnEnd(const absl::Status& status, const JobTimings&) override {
    MutexLock lock(&mutex_);
    ++ends_;
    status_ = status;
  }

  void BecomeReady() { ready_ = true; }
  int ends() const {
    MutexLock lock(&mutex_);
    return ends_;
  }
  absl::Status End() const {
    EXPECT_TRUE(test::WaitUntil([this] { return ends() > 0; }));
    MutexLock lock(&mutex_);
    return status_;
  }

 private:
  std::atomic<bool> ready_;
  mutable Mutex mutex_;
  int ends_ ABSL_GUARDED_BY(mutex_) = 0;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
};

class SubmittedJobTest : public testing::Test {
 protected:
  static std::shared_ptr<ServedModel> Model() {
    return std::make_shared<ServedModel>(
        "tiny", "", test::TinyBundle(), nullptr,
        std::make_unique<Scheduler>(test::TinyEngine(), SchedulerOptions(), Clock::Steady(),
                                    nullptr));
  }

  static predict::PredictionTask Task() {
    predict::PredictionTask task;
    task.controls = test::SomeControls(2);
    task.perturbations = {test::Knockout({"G1"})};
    task.options = predict::DefaultOptions(*test::TinyBundle());
    return task;
  }

  // The number of calls that were counted as cancelled in `phase`.
  bool IsCounted(const std::string& phase) const {
    return absl::StrContains(metrics_.Expose(),
                             "unlasting_cancelled_requests_total{phase=\"" + phase + "\"} 1");
  }

  Metrics metrics_;
  WorkPool pool_{1};
  SubmittedJob job_{&metrics_, &pool_};
  std::shared_ptr<ServedModel> model_ = Model();
};

TEST_F(SubmittedJobTest, AJobThatIsCancelledBeforeItIsSubmittedEndsWithoutAStep) {
  job_.Cancel();
  const auto reader = std::make_shared<Reader>(false);
  ASSERT_OK(job_.Submit(model_, Task(), reader));
  EXPECT_TRUE(absl::IsCancelled(reader->End())) << reader->End();
}

TEST_F(SubmittedJobTest, AJobThatIsCancelledInTheQueueEndsAndIsCountedThere) {
  const auto reader = std::make_shared<Reader>(false);
  const predict::PredictionTask task = Task();
  ASSERT_OK(job_.Submit(model_, task, reader));
  job_.Cancel();
  EXPECT_TRUE(absl::IsCancelled(reader->End())) << reader->End();
  EXPECT_THAT(job_.RecordEnd(&task, reader->End(), {}), Contains(Pair("model", "tiny")));
  EXPECT_TRUE(IsCounted("queued")) << metrics_.Expose();
}

TEST_F(SubmittedJobTest, CancellingAJobThatHasEndedChangesNothing) {
  const auto reader = std::make_shared<Reader>(true);
  const predict::PredictionTask task = Task();
  ASSERT_OK(job_.Submit(model_, task, reader));
  EXPECT_OK(reader->End());
  job_.Cancel();
  job_.Wake();
  SubmittedJob next(&metrics_, &pool_);
  const auto other = std::make_shared<Reader>(true);
  ASSERT_OK(next.Submit(model_, task, other));
  EXPECT_OK(other->End());
  EXPECT_EQ(reader->ends(), 1);
  job_.RecordEnd(&task, absl::OkStatus(), {});
  EXPECT_THAT(metrics_.Expose(), Not(HasSubstr("unlasting_cancelled_requests_total{")));
}

TEST_F(SubmittedJobTest, AReaderThatIsReadyAgainIsServedOnceItIsWoken) {
  const auto reader = std::make_shared<Reader>(false);
  ASSERT_OK(job_.Submit(model_, Task(), reader));
  reader->BecomeReady();
  job_.Wake();
  EXPECT_OK(reader->End());
}

TEST_F(SubmittedJobTest, AJobThatIsRefusedIsNoCancellation) {
  const auto reader = std::make_shared<Reader>(true);
  predict::PredictionTask late = Task();
  late.deadline = absl::InfinitePast();
  const absl::Status refused = job_.Submit(model_, late, reader);
  EXPECT_TRUE(absl::IsDeadlineExceeded(refused)) << refused;
  job_.Cancel();
  EXPECT_THAT(job_.RecordEnd(&late, refused, {}), Contains(Pair("version", "1")));
  EXPECT_EQ(reader->ends(), 0);
  EXPECT_THAT(metrics_.Expose(), Not(HasSubstr("unlasting_cancelled_requests_total{")));
}

TEST_F(SubmittedJobTest, ADeadlineThatPassesLaterIsCountedWhereItPassed) {
  const auto reader = std::make_shared<Reader>(false);
  ASSERT_OK(job_.Submit(model_, Task(), reader));
  job_.Reach(CallPhase::kWriting);
  job_.Reach(CallPhase::kRunning);  // which it is past
  job_.RecordEnd(nullptr, absl::DeadlineExceededError("late"), {});
  EXPECT_TRUE(IsCounted("writing")) << metrics_.Expose();
  job_.Cancel();
  EXPECT_TRUE(absl::IsCancelled(reader->End()));
}

TEST_F(SubmittedJobTest, ACallWhoseRequestWasRefusedHasNoJobToSpeakOf) {
  job_.Cancel();
  job_.Wake();
  EXPECT_THAT(job_.RecordEnd(nullptr, absl::InvalidArgumentError("cells"), {}), IsEmpty());
  EXPECT_THAT(metrics_.Expose(), Not(HasSubstr("unlasting_cancelled_requests_total{")));
  job_.RecordEnd(nullptr, absl::CancelledError("gone"), {});
  EXPECT_TRUE(IsCounted("preparing")) << metrics_.Expose();
}

TEST_F(SubmittedJobTest, TheModelIsLetGoOnThePool) {
  const std::weak_ptr<ServedModel> watched = model_;
  const auto reader = std::make_shared<Reader>(false);
  ASSERT_OK(job_.Submit(model_, Task(), reader));
  model_ = nullptr;
  EXPECT_FALSE(watched.expired());
  job_.Release();
  EXPECT_TRUE(absl::IsUnavailable(reader->End())) << reader->End();
  EXPECT_TRUE(test::WaitUntil([&] { return watched.expired(); }));
  job_.Cancel();
  job_.Wake();
  EXPECT_THAT(job_.RecordEnd(nullptr, absl::OkStatus(), {}), Not(Contains(Key("model"))));
}

TEST_F(SubmittedJobTest, CancellationsOnOtherThreadsMeetTheJobWhereverItIs) {
  for (int round = 0; round < 100; ++round) {
    SubmittedJob job(&metrics_, &pool_);
    const auto reader = std::make_shared<Reader>(false);
    std::thread canceller([&job] { job.Cancel(); });
    EXPECT_OK(job.Submit(model_, Task(), reader));
    canceller.join();
    EXPECT_TRUE(absl::IsCancelled(reader->End())) << reader->End();
    job.Release();
  }
}

}  // namespace
}  // namespace unlasting::server
