// An engine whose finished rows come back while it is at the next step.
#include <cmath>
#include <limits>
#include <map>

#include "tests/server/scheduling/scheduler_fixture.h"

namespace unlasting::server {
namespace {

// Keeps what a finished row holds to itself until Collect; until then the row is not a number.
class OverlappingEngine : public WatchedEngine {
 public:
  using WatchedEngine::WatchedEngine;

  bool overlaps() const override { return true; }

  absl::Status Step(absl::Span<predict::Row* const> rows) override {
    const absl::Status status = WatchedEngine::Step(rows);
    for (predict::Row* row : rows) {
      if (!status.ok() || !row->finished()) continue;
      kept_[row] = {row->x, steps.size()};
      std::fill(row->x.begin(), row->x.end(), std::numeric_limits<float>::quiet_NaN());
    }
    return status;
  }

  absl::Status Collect(absl::Span<predict::Row* const> rows) override {
    for (predict::Row* row : rows) {
      const auto found = kept_.find(row);
      if (found == kept_.end()) return absl::InternalError("a row that was not on its way");
      row->x = found->second.x;
      (steps.size() > found->second.step ? beside_a_step : beside_nothing) += 1;
      kept_.erase(found);
    }
    return lost ? absl::InternalError("the device fell over") : absl::OkStatus();
  }

  size_t on_their_way() const { return kept_.size(); }

  int64_t beside_a_step = 0, beside_nothing = 0;  // rows collected
  bool lost = false;

 private:
  struct Kept {
    std::vector<float> x;
    size_t step;
  };
  std::map<predict::Row*, Kept> kept_;
};

class SchedulerOverlapTest : public SchedulerTest {
 protected:
  void Make(const SchedulerOptions& options = {}) {
    overlapping_ = MakeOn<OverlappingEngine>(options);
  }

  // Thresholds come from the panel, whose rows all such requests share.
  static PredictionTask RankedRequest(int64_t cells, const std::vector<std::string>& genes,
                                      uint64_t seed) {
    PredictionTask request = Request(cells, genes, seed);
    request.options.mask = predict::MaskMode::kRank;
    return request;
  }

  void RunUntilRowsAreOnTheirWay() {
    for (int step = 0; overlapping_->on_their_way() == 0; ++step) {
      ASSERT_LT(step, kMaxSteps);
      scheduler_->RunStep();
    }
  }

  OverlappingEngine* overlapping_ = nullptr;
};

TEST_F(SchedulerOverlapTest, AnswersAreThoseOfAnEngineThatWaits) {
  SchedulerOptions options;
  options.max_batch = 8;
  Make(options);
  const std::vector<PredictionTask> requests = {RankedRequest(3, {"G1", "G2"}, 1),
                                                RankedRequest(5, {"G2"}, 2), Request(7, {"G3"}, 3)};
  const auto listeners = SubmitInTurn(requests);
  RunToEnd();
  for (size_t k = 0; k < listeners.size(); ++k) {
    ASSERT_OK(*listeners[k]->status);
    ExpectSameAsAlone(requests[k], *listeners[k]);
  }
  EXPECT_EQ(overlapping_->on_their_way(), 0u);
}

TEST_F(SchedulerOverlapTest, FinishedRowsComeBackWhileTheNextStepIsUnderWay) {
  SchedulerOptions options;
  options.max_batch = 4;
  Make(options);
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    Submit(Request(4, {"G1"}, seed), std::make_shared<RecordingListener>());
  }
  RunToEnd();
  EXPECT_EQ(overlapping_->beside_a_step + overlapping_->beside_nothing, 24);
  // Of the last job, whose rows are all there is to do, each half ends with nothing to go on with.
  EXPECT_EQ(overlapping_->beside_nothing, 8);
}

TEST_F(SchedulerOverlapTest, AnAnswerDoesNotWaitForAStepThatNobodyNeeds) {
  Make();
  auto listener = std::make_shared<RecordingListener>();
  Submit(Request(2, {"G1"}), listener);
  RunToEnd();
  EXPECT_EQ(listener->ends, 1);
  EXPECT_EQ(overlapping_->steps.size(), 6u) << "three there and three back";
}

TEST_F(SchedulerOverlapTest, AJobThatGoesWithRowsOnTheirWayLeavesThemToOthers) {
  Make();
  const PredictionTask request = RankedRequest(2, {"G1"}, 1);
  auto leaver = std::make_shared<RecordingListener>(),
       stayer = std::make_shared<RecordingListener>();
  const uint64_t id = Submit(request, leaver);
  Submit(request, stayer);
  RunUntilRowsAreOnTheirWay();
  scheduler_->Cancel(id);
  RunToEnd();
  EXPECT_EQ(leaver->status->code(), absl::StatusCode::kCancelled);
  ASSERT_OK(*stayer->status);
  ExpectSameAsAlone(request, *stayer);
}

TEST_F(SchedulerOverlapTest, RowsThatAreLostOnTheirWayEndTheirJobsAlone) {
  SchedulerOptions options;
  options.max_batch = 2;
  Make(options);
  auto broken = std::make_shared<RecordingListener>(),
       later = std::make_shared<RecordingListener>();
  Submit(Request(2, {"G1"}, 1), broken);
  RunUntilRowsAreOnTheirWay();
  overlapping_->lost = true;
  Submit(Request(2, {"G2"}, 2), later);
  scheduler_->RunStep();
  EXPECT_EQ(broken->status->code(), absl::StatusCode::kInternal);
  overlapping_->lost = false;
  RunToEnd();
  ASSERT_OK(*later->status);
  ExpectSameAsAlone(Request(2, {"G2"}, 2), *later);
}

TEST_F(SchedulerOverlapTest, ASchedulerThatStopsBringsRowsInFirst) {
  Make();
  auto listener = std::make_shared<RecordingListener>();
  Submit(Request(2, {"G1"}), listener);
  RunUntilRowsAreOnTheirWay();
  scheduler_->Stop();
  RunToEnd();
  EXPECT_EQ(listener->status->code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(overlapping_->on_their_way(), 0u);
}

}  // namespace
}  // namespace unlasting::server
