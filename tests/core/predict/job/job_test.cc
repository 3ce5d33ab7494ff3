#include "core/predict/job/job.h"

#include <algorithm>
#include <cmath>

#include "core/predict/engine/engine_factory.h"
#include "tests/core/predict/job/job_fixture.h"

namespace unlasting::predict {
namespace {

TEST_F(JobTest, AnswersEveryPerturbationForEveryCellWithValidProfiles) {
  const auto drug = *ResolvePerturbation(*bundle_, {{}, "", "CCO", {}, 0.5});
  const auto profiles = Predict(Panel("T0", 25), {Knockout("G1"), drug, Knockout("U0")});
  ASSERT_EQ(profiles.size(), 3u);
  for (const auto& one : profiles) {
    EXPECT_EQ(one.values.rows, 25);
    ASSERT_FALSE(one.values.values.empty());
    ASSERT_FALSE(one.active_share.empty());
    for (const float value : one.values.values) {
      EXPECT_TRUE(std::isfinite(value));
      EXPECT_GE(value, 0.0f);
    }
    for (const float share : one.active_share) {
      EXPECT_GT(share, 0.0f);
      EXPECT_LT(share, 1.0f);
    }
  }
  EXPECT_GT(Difference(profiles[0].values, profiles[1].values), 1e-3);
  EXPECT_GT(Difference(profiles[0].values, profiles[2].values), 1e-3);
}

TEST_F(JobTest, OneBatchOrManyOnOneThreadOrTwoGiveTheSameProfiles) {
  const auto expected = Predict(Panel("T0", 30), {Knockout("G1")});
  for (const int64_t batch : {1, 7, 64}) {
    EngineOptions engine_options;
    engine_options.max_batch = batch;
    engine_options.threads = batch == 7 ? 2 : 1;
    engine_ = *CreateEngine(bundle_, engine_options);
    EXPECT_EQ(Predict(Panel("T0", 30), {Knockout("G1")})[0].values.values,
              expected[0].values.values)
        << batch;
  }
}

TEST_F(JobTest, AFewCellsAreMaskedByThePanelSoThatCompanyDoesNotMatter) {
  const auto controls = Panel("T0", 12);
  const auto together = Predict(controls, {Knockout("G4")});
  auto one = std::make_shared<ControlSet>();
  one->values = SelectRows(controls->values, std::vector<int64_t>{5});
  one->cell_type = {0};
  one->barcodes = {"only"};
  const auto alone = Predict(one, {Knockout("G4")});
  ASSERT_EQ(alone[0].values.rows, 1);
  const DenseMatrix row = SelectRows(together[0].values, std::vector<int64_t>{5});
  EXPECT_EQ(row.values, alone[0].values.values);
}

TEST_F(JobTest, RankMaskLeavesThePredictedShareActiveWhereValuesArePositive) {
  const auto profiles = Predict(Panel("T0", 30), {Knockout("G4")});
  ASSERT_EQ(profiles.size(), 1u);
  ASSERT_GT(profiles[0].values.cols, 0);
  for (int64_t g = 0; g < profiles[0].values.cols; ++g) {
    int64_t active = 0;
    for (int64_t r = 0; r < 30; ++r) active += profiles[0].values.At(r, g) > 0;
    EXPECT_LE(active, std::llround(profiles[0].active_share[g] * 30)) << g;
  }
}

TEST_F(JobTest, CountsDownItsEvaluationsAndKeepsRowsApart) {
  options_.mask = MaskMode::kNone;
  Job job(engine_.get(), &in_flight_, {Panel("T0", 5), {Knockout("G1"), Knockout("G2")}, options_});
  EXPECT_EQ(job.evaluations_total(), 5 * 10 + 2 * 5 * 10);
  EXPECT_EQ(job.runnable(), 5);
  std::vector<Row*> first, second;
  job.TakeRunnable(3, &first);
  job.TakeRunnable(64, &second);
  EXPECT_EQ(first.size(), 3u);
  EXPECT_EQ(second.size(), 2u);
  EXPECT_EQ(job.runnable(), 0);
  ASSERT_OK(engine_->Step(first));
  job.Return(first);
  EXPECT_EQ(job.evaluations_left(), job.evaluations_total() - 3);
  EXPECT_FALSE(job.NextComplete().has_value());
  EXPECT_FALSE(job.done());
}

TEST_F(JobTest, RowsOfManyJobsAtDifferentStepsShareABatch) {
  options_.mask = MaskMode::kNone;
  const auto expected = Predict(Panel("T0", 4), {Knockout("G1")});
  Job late(engine_.get(), &in_flight_, {Panel("T0", 4), {Knockout("G1")}, options_});
  PredictOptions other = options_;
  other.solver = diffusion::Solver::kDdim;
  other.solver_steps = 17;
  Job early(engine_.get(), &in_flight_, {Panel("T1", 6), {Knockout("U1")}, other});
  std::vector<Row*> rows;
  int64_t step = 0;
  while (!late.done()) {
    ASSERT_LT(step, 1000);
    std::vector<Row*> of_early, of_late;
    early.TakeRunnable(64, &of_early);
    if (++step > 5) late.TakeRunnable(64, &of_late);
    rows = of_early;
    rows.insert(rows.end(), of_late.begin(), of_late.end());
    ASSERT_OK(engine_->Step(rows));
    early.Return(of_early);
    late.Return(of_late);
    if (const auto index = late.NextComplete()) {
      EXPECT_EQ(late.Finish(*index)->values.values, expected[0].values.values);
    }
  }
}

TEST_F(JobTest, ReportsStepsThatTheScheduleDoesNotHave) {
  options_.solver_steps = 100000;
  const auto profiles = PredictAll(engine_.get(), {Panel("T0", 2), {Knockout("G1")}, options_});
  EXPECT_EQ(profiles.status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(JobTest, PredictAllStopsOnceItIsInterrupted) {
  const PredictionTask task{Panel("T0", 3), {Knockout("G1")}, options_};
  std::atomic<bool> interrupted = false;
  EXPECT_OK(PredictAll(engine_.get(), task, &interrupted));
  interrupted = true;
  EXPECT_EQ(PredictAll(engine_.get(), task, &interrupted).status().code(),
            absl::StatusCode::kCancelled);
}

TEST_F(JobTest, SeededChoicesRepeat) {
  options_.random_latent = true;
  options_.mask = MaskMode::kSample;
  options_.seed = 5;
  const auto first = Predict(Panel("T0", 6), {Knockout("G1")});
  EXPECT_EQ(first[0].values.values, Predict(Panel("T0", 6), {Knockout("G1")})[0].values.values);
  options_.seed = 6;
  EXPECT_GT(Difference(first[0].values, Predict(Panel("T0", 6), {Knockout("G1")})[0].values), 1e-2);
}

TEST(EngineTest, RefusesDevicesAndSizesThatAreNotThere) {
  for (const char* device : {"tpu", "cuda:x", ""}) {
    EngineOptions options;
    options.device = device;
    EXPECT_EQ(CreateEngine(nullptr, options).status().code(), absl::StatusCode::kInvalidArgument);
  }
  EngineOptions options;
  options.threads = 0;
  EXPECT_FALSE(CreateEngine(nullptr, options).ok());
}

}  // namespace
}  // namespace unlasting::predict
