// Which jobs of a client with very many are looked at between steps.
#include "core/base/status.h"
#include "tests/server/scheduling/scheduler_fixture.h"

namespace unlasting::server {
namespace {

TEST_F(SchedulerTest, ThousandsOfJobsOfOneClientAreActiveAFewAtATimeAndAllAreDone) {
  SchedulerOptions options;
  options.max_batch = 4;
  Make(options);
  std::vector<std::shared_ptr<RecordingListener>> listeners;
  std::vector<uint64_t> ids;
  for (int k = 0; k < 40; ++k) {
    listeners.push_back(std::make_shared<RecordingListener>());
    PredictionTask request = Request(1, {"G1"}, k + 1);
    if (k == 39) request.deadline = clock_.Now() + absl::Hours(1);
    ids.push_back(Submit(std::move(request), listeners.back()));
  }
  auto other = std::make_shared<RecordingListener>();
  PredictionTask request = Request(1, {"G2"});
  request.client = "other";
  Submit(request, other);
  scheduler_->Cancel(ids[38]);
  RunUntilEnd(*other);
  int ended = 0;
  for (const auto& listener : listeners) ended += listener->ends;
  EXPECT_LT(ended, 40) << "the other client waits for a share of the steps only";
  EXPECT_TRUE(absl::IsCancelled(*listeners[38]->status)) << "one that waits can be cancelled";
  clock_.Advance(absl::Hours(2));
  RunToEnd();
  for (int k = 0; k < 38; ++k) {
    ASSERT_EQ(listeners[k]->ends, 1) << k;
    EXPECT_OK(*listeners[k]->status);
  }
  EXPECT_EQ(listeners[39]->status->code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(scheduler_->queued_rows(), 0);
}

TEST_F(SchedulerTest, ReadersThatAreBehindDoNotKeepOthersOfTheirClientWaiting) {
  SchedulerOptions options;
  options.max_batch = 2;
  Make(options);
  std::vector<std::shared_ptr<RecordingListener>> behind;
  for (int k = 0; k < 12; ++k) {
    behind.push_back(std::make_shared<RecordingListener>());
    behind.back()->ready = false;
    Submit(Request(1, {"G1"}, k + 1), behind.back());
  }
  auto quick = std::make_shared<RecordingListener>();
  Submit(Request(1, {"G2"}), quick);
  RunUntilEnd(*quick);
  EXPECT_OK(*quick->status);
  for (const auto& listener : behind) listener->ready = true;
  scheduler_->Wake();
  RunToEnd();
  for (const auto& listener : behind) EXPECT_EQ(listener->ends, 1);
}

}  // namespace
}  // namespace unlasting::server
