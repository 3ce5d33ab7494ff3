// A scheduler on a clock that tests move, with an engine that they watch.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "server/scheduling/scheduler.h"
#include "tests/server/scheduling/forwarding_engine.h"
#include "tests/server/server_support.h"
#include "tests/support/files.h"

namespace unlasting::server {

using predict::PredictionTask;
using test::FakeClock;
using test::Knockout;
using test::RecordingListener;
using test::SomeControls;
using test::TinyEngine;

// An engine that tells how large its steps are, lets time pass, and breaks when told to.
class WatchedEngine : public ForwardingEngine {
 public:
  explicit WatchedEngine(FakeClock* clock) : ForwardingEngine(TinyEngine()), clock_(clock) {}

  absl::Status Step(absl::Span<predict::Row* const> rows) override {
    steps.push_back(static_cast<int64_t>(rows.size()));
    clock_->Advance(absl::Seconds(1));
    if (broken) return absl::InternalError("the device fell over");
    return ForwardingEngine::Step(rows);
  }

  std::vector<int64_t> steps;
  bool broken = false;

 private:
  FakeClock* const clock_;
};

class SchedulerTest : public testing::Test {
 protected:
  void Make(const SchedulerOptions& options = {}) { engine_ = MakeOn<WatchedEngine>(options); }

  // A scheduler on an engine of a kind, which it owns.
  template <typename Watched>
  Watched* MakeOn(const SchedulerOptions& options) {
    auto engine = std::make_unique<Watched>(&clock_);
    Watched* const watched = engine.get();
    scheduler_ = std::make_unique<Scheduler>(std::move(engine), options, &clock_, nullptr);
    return watched;
  }

  // Without masks, so that a step's rows are the request's and no panel's.
  static PredictionTask Request(int64_t cells, const std::vector<std::string>& genes,
                                uint64_t seed = 1) {
    PredictionTask request;
    request.controls = SomeControls(cells, seed);
    for (const std::string& gene : genes) request.perturbations.push_back(Knockout({gene}));
    request.options = predict::DefaultOptions(*test::TinyBundle());
    request.options.mask = predict::MaskMode::kNone;
    request.options.solver_steps = 3;
    return request;
  }

  uint64_t Submit(PredictionTask request, const std::shared_ptr<RecordingListener>& listener) {
    const auto id = scheduler_->Submit(std::move(request), listener);
    EXPECT_TRUE(id.ok()) << id.status();
    return id.value_or(0);
  }

  // A step is run after each, so that they join one after the other.
  std::vector<std::shared_ptr<RecordingListener>> SubmitInTurn(
      const std::vector<PredictionTask>& requests) {
    std::vector<std::shared_ptr<RecordingListener>> listeners;
    for (const PredictionTask& request : requests) {
      listeners.push_back(std::make_shared<RecordingListener>());
      Submit(request, listeners.back());
      scheduler_->RunStep();
    }
    return listeners;
  }

  // Runs steps until the scheduler has nothing more to do.
  void RunToEnd() {
    for (int step = 0; scheduler_->RunStep(); ++step) ASSERT_LT(step, kMaxSteps);
  }

  // Runs steps until the job of `listener` has ended.
  void RunUntilEnd(const RecordingListener& listener) {
    for (int step = 0; listener.ends == 0; ++step) {
      ASSERT_LT(step, kMaxSteps);
      scheduler_->RunStep();
    }
  }

  static constexpr int kMaxSteps = 10000;  // far more than any job of these tests needs

  FakeClock clock_;
  WatchedEngine* engine_ = nullptr;
  std::unique_ptr<Scheduler> scheduler_;
};

inline void ExpectSameAsAlone(const PredictionTask& request, const RecordingListener& listener) {
  const auto engine = TinyEngine();
  const auto alone = predict::PredictAll(engine.get(), request);
  ASSERT_OK(alone);
  ASSERT_EQ(listener.profiles.size(), alone->size());
  ASSERT_FALSE(alone->empty());
  for (const predict::Profiles& expected : *alone) {
    const predict::Profiles& found = listener.profiles.at(expected.perturbation);
    EXPECT_THAT(found.values.values,
                ::testing::Pointwise(::testing::FloatNear(1e-4f), expected.values.values));
    EXPECT_THAT(found.active_share,
                ::testing::Pointwise(::testing::FloatNear(1e-4f), expected.active_share));
  }
}

}  // namespace unlasting::server
