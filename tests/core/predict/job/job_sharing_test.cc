// What requests leave to one another, and make together.
#include "core/predict/engine/engine_factory.h"
#include "tests/core/predict/job/job_fixture.h"

namespace unlasting::predict {
namespace {

TEST_F(JobTest, LatentsAreMadeOnceForAllRequestsAboutTheSameCells) {
  const auto first = Predict(Panel("T0", 25), {Knockout("G1")});
  Job again(engine_.get(), &in_flight_,
            {Panel("T0", 25), {Knockout("G1"), Knockout("G2")}, options_});
  EXPECT_EQ(again.evaluations_total(), 2 * 25 * 10);
  const auto second = Predict(Panel("T0", 25), {Knockout("G1")});
  EXPECT_EQ(first[0].values.values, second[0].values.values);
  options_.solver_steps = 9;
  Job other(engine_.get(), &in_flight_, {Panel("T0", 25), {Knockout("G1")}, options_});
  EXPECT_EQ(other.evaluations_total(), 2 * 25 * 9);
}

TEST_F(JobTest, ThePanelIsAskedOnceForItsThresholds) {
  const auto controls = Panel("T0", 3);
  const auto first = Predict(controls, {Knockout("G4")});
  Job again(engine_.get(), &in_flight_, {controls, {Knockout("G4")}, options_});
  EXPECT_EQ(again.evaluations_total(), 3 * 10);
  EXPECT_EQ(Predict(controls, {Knockout("G4")})[0].values.values, first[0].values.values);
  // Another perturbation's are not there: the panel comes along for that one.
  Job both(engine_.get(), &in_flight_, {controls, {Knockout("G4"), Knockout("G5")}, options_});
  EXPECT_EQ(both.evaluations_total(), (3 + 3 + 30) * 10);
  // Noise in place of latents takes none.
  options_.random_latent = true;
  Job random(engine_.get(), &in_flight_, {controls, {Knockout("G4")}, options_});
  EXPECT_EQ(random.evaluations_total(), (3 + 30) * 10);
}

// Steps jobs together, `rows_each` rows of each a step; the evaluations that were made.
class Company {
 public:
  Company(Engine* engine, int64_t rows_each) : engine_(engine), rows_each_(rows_each) {}

  void Step(const std::vector<Job*>& jobs) {
    std::vector<std::vector<Row*>> taken(jobs.size());
    std::vector<Row*> batch;
    for (size_t k = 0; k < jobs.size(); ++k) {
      jobs[k]->TakeRunnable(rows_each_, &taken[k]);
      batch.insert(batch.end(), taken[k].begin(), taken[k].end());
    }
    ASSERT_OK(engine_->Step(batch));
    evaluations += static_cast<int64_t>(batch.size());
    for (size_t k = 0; k < jobs.size(); ++k) jobs[k]->Return(taken[k]);
  }

  DenseMatrix RunToTheEnd(Job* job, const std::vector<Job*>& company) {
    for (int step = 0; !job->HasComplete(); ++step) {
      if (step == 1000) {
        ADD_FAILURE() << "the job is not complete after 1000 steps";
        return DenseMatrix();
      }
      Step(company);
    }
    auto profiles = job->Finish(*job->NextComplete());
    EXPECT_TRUE(profiles.ok()) << profiles.status();
    EXPECT_EQ(job->evaluations_left(), 0);
    return profiles.ok() ? std::move(profiles->values) : DenseMatrix();
  }

  int64_t evaluations = 0;

 private:
  Engine* engine_;
  const int64_t rows_each_;
};

TEST_F(JobTest, SmallRequestsThatComeTogetherAskThePanelOnce) {
  const auto all = Panel("T0", 12);
  auto three = std::make_shared<ControlSet>(), four = std::make_shared<ControlSet>();
  three->values = SelectRows(all->values, std::vector<int64_t>{0, 1, 2});
  three->cell_type.assign(3, 0);
  four->values = SelectRows(all->values, std::vector<int64_t>{6, 7, 8, 9});
  four->cell_type.assign(4, 0);
  // Each as if it were alone.
  const auto expected_a = Predict(three, {Knockout("G4")});
  engine_ = *CreateEngine(bundle_, EngineOptions());
  const auto expected_b = Predict(four, {Knockout("G4")});
  engine_ = *CreateEngine(bundle_, EngineOptions());

  Job a(engine_.get(), &in_flight_, {three, {Knockout("G4")}, options_});
  Job b(engine_.get(), &in_flight_, {four, {Knockout("G4")}, options_});
  Company company(engine_.get(), 7);
  const DenseMatrix of_a = company.RunToTheEnd(&a, {&a, &b});
  const DenseMatrix of_b = company.RunToTheEnd(&b, {&a, &b});
  // The requests' cells are the panel's own, so that the panel's latents are all there are.
  EXPECT_EQ(company.evaluations, (30 + 30 + 3 + 4) * 10);
  EXPECT_EQ(of_a.values, expected_a[0].values.values);
  EXPECT_EQ(of_b.values, expected_b[0].values.values);
  EXPECT_EQ(in_flight_.size(), 0u);
}

TEST_F(JobTest, WhatAJobThatLeavesHasBegunIsFinishedByTheOthers) {
  const auto controls = Panel("T0", 3);
  const auto expected = Predict(controls, {Knockout("G4")});
  engine_ = *CreateEngine(bundle_, EngineOptions());
  auto leaver = std::make_unique<Job>(engine_.get(), &in_flight_,
                                      PredictionTask{controls, {Knockout("G4")}, options_});
  Job stayer(engine_.get(), &in_flight_, {controls, {Knockout("G4")}, options_});
  Company company(engine_.get(), 64);
  for (int step = 0; step < 14; ++step) company.Step({leaver.get()});
  // Joins the way back, four steps of which are made.
  company.Step({leaver.get(), &stayer});
  leaver.reset();
  const DenseMatrix found = company.RunToTheEnd(&stayer, {&stayer});
  EXPECT_EQ(found.values, expected[0].values.values);
  EXPECT_EQ(company.evaluations, (30 + 30 + 3) * 10 + 5 * 3) << "the leaver's own cells alone";
}

TEST_F(JobTest, RowsThatHaveNotComeBackYetAreWaitedFor) {
  const auto controls = Panel("T0", 3);
  const auto expected = Predict(controls, {Knockout("G4")});
  engine_ = *CreateEngine(bundle_, EngineOptions());
  Job first(engine_.get(), &in_flight_, {controls, {Knockout("G4")}, options_});
  Job second(engine_.get(), &in_flight_, {controls, {Knockout("G4")}, options_});
  Company company(engine_.get(), 64);
  for (int step = 0; step < 19; ++step) company.Step({&first});
  // The last step: its rows are finished, and not where anybody may read them.
  std::vector<Row*> rows;
  first.TakeRunnable(64, &rows);
  ASSERT_OK(engine_->Step(rows));
  std::vector<std::vector<float>> found;
  for (Row* row : rows) {
    ASSERT_TRUE(row->finished());
    found.push_back(row->x);
    row->x.assign(row->x.size(), std::numeric_limits<float>::quiet_NaN());
  }
  std::vector<Row*> more;
  second.TakeRunnable(64, &more);
  EXPECT_EQ(more.size(), 3u) << "its own cells alone; the panel's are on their way";
  for (size_t k = 0; k < rows.size(); ++k) rows[k]->x = found[k];
  first.Return(rows);
  ASSERT_OK(engine_->Step(more));
  second.Return(more);
  const DenseMatrix of_second = company.RunToTheEnd(&second, {&second});
  EXPECT_EQ(of_second.values, expected[0].values.values);
}

TEST_F(JobTest, AJobThatGoesDownWithAStepFailsThoseThatShareItsRows) {
  const auto controls = Panel("T0", 3);
  Job stayer(engine_.get(), &in_flight_, {controls, {Knockout("G4")}, options_});
  Job stranger(engine_.get(), &in_flight_, {Panel("T1", 25), {Knockout("G4")}, options_});
  {
    Job broken(engine_.get(), &in_flight_, {controls, {Knockout("G4")}, options_});
    Company company(engine_.get(), 64);
    company.Step({&broken, &stayer, &stranger});
    std::vector<Row*> rows;
    broken.TakeRunnable(64, &rows);
  }
  ASSERT_TRUE(stayer.HasComplete());
  EXPECT_EQ(stayer.Finish(*stayer.NextComplete()).status().code(), absl::StatusCode::kInternal);
  EXPECT_FALSE(stranger.HasComplete());
  EXPECT_EQ(in_flight_.size(), 25u) << "the stranger's";
  // Whoever comes later begins anew.
  EXPECT_EQ(Predict(controls, {Knockout("G4")}).size(), 1u);
}

}  // namespace
}  // namespace unlasting::predict
