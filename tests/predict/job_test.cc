#include "core/predict/job.h"

#include <algorithm>
#include <cmath>

#include "tests/support/files.h"
#include "tests/support/tiny_bundle.h"

namespace unlasting::predict {
namespace {

class JobTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new test::TempFolder;
    test::TinyBundleOptions options;
    options.molecules = true;
    ASSERT_OK(test::WriteTinyBundle(folder_->At("tiny"), options));
  }
  static void TearDownTestSuite() { delete folder_; }

  void SetUp() override {
    bundle_ = *bundle::Bundle::Load(folder_->At("tiny"));
    engine_ = *Engine::Create(bundle_, EngineOptions());
    options_ = DefaultOptions(*bundle_);
  }

  std::shared_ptr<const Perturbation> Knockout(const std::string& gene) {
    return *ResolvePerturbation(*bundle_, {{gene}, "", "", {}, 0});
  }
  std::shared_ptr<ControlSet> Panel(const std::string& type, int64_t count) {
    return std::make_shared<ControlSet>(*PanelControls(*bundle_, type, count, 0));
  }
  std::vector<Profiles> Predict(std::shared_ptr<const ControlSet> controls,
                                std::vector<std::shared_ptr<const Perturbation>> perturbations) {
    auto profiles = PredictAll(engine_.get(), controls, perturbations, options_);
    EXPECT_TRUE(profiles.ok()) << profiles.status();
    return *std::move(profiles);
  }

  static double Difference(const DenseMatrix& a, const DenseMatrix& b) {
    EXPECT_EQ(a.values.size(), b.values.size());
    double worst = 0;
    for (size_t k = 0; k < a.values.size(); ++k) {
      worst = std::max(worst, std::abs(static_cast<double>(a.values[k]) - b.values[k]));
    }
    return worst;
  }

  static test::TempFolder* folder_;
  std::shared_ptr<const bundle::Bundle> bundle_;
  std::unique_ptr<Engine> engine_;
  PredictOptions options_;
};
test::TempFolder* JobTest::folder_ = nullptr;

TEST_F(JobTest, AnswersEveryPerturbationForEveryCellWithValidProfiles) {
  const auto drug = *ResolvePerturbation(*bundle_, {{}, "", "CCO", {}, 0.5});
  const auto profiles = Predict(Panel("T0", 25), {Knockout("G1"), drug, Knockout("U0")});
  ASSERT_EQ(profiles.size(), 3u);
  for (const auto& one : profiles) {
    EXPECT_EQ(one.values.rows, 25);
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
    engine_ = *Engine::Create(bundle_, engine_options);
    EXPECT_EQ(Predict(Panel("T0", 30), {Knockout("G1")})[0].values.values,
              expected[0].values.values)
        << batch;
  }
}

TEST_F(JobTest, TheExportedFilesGiveTheFusedEnginesProfilesAfterAWholeBridge) {
  const auto drug = *ResolvePerturbation(*bundle_, {{}, "", "CCO", {}, 0.5});
  const auto fused = Predict(Panel("T1", 30), {Knockout("G2"), drug});
  bundle::LoadOptions plain;
  plain.plain_attention = true;
  bundle_ = *bundle::Bundle::Load(folder_->At("tiny"), plain);
  EngineOptions options;
  options.evaluator = "torchscript";
  engine_ = *Engine::Create(bundle_, options);
  const auto reference = Predict(Panel("T1", 30), {Knockout("G2"), drug});
  for (int k = 0; k < 2; ++k) {
    EXPECT_LT(Difference(fused[k].values, reference[k].values), 1e-4) << k;
  }
}

TEST_F(JobTest, LatentsAreMadeOnceForAllRequestsAboutTheSameCells) {
  const auto first = Predict(Panel("T0", 25), {Knockout("G1")});
  Job again(engine_.get(), Panel("T0", 25), {Knockout("G1"), Knockout("G2")}, options_);
  EXPECT_EQ(again.evaluations_total(), 2 * 25 * 10);
  const auto second = Predict(Panel("T0", 25), {Knockout("G1")});
  EXPECT_EQ(first[0].values.values, second[0].values.values);
  options_.solver_steps = 9;
  Job other(engine_.get(), Panel("T0", 25), {Knockout("G1")}, options_);
  EXPECT_EQ(other.evaluations_total(), 2 * 25 * 9);
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

TEST_F(JobTest, ThePanelIsAskedOnceForItsThresholds) {
  const auto controls = Panel("T0", 3);
  const auto first = Predict(controls, {Knockout("G4")});
  Job again(engine_.get(), controls, {Knockout("G4")}, options_);
  EXPECT_EQ(again.evaluations_total(), 3 * 10);
  EXPECT_EQ(Predict(controls, {Knockout("G4")})[0].values.values, first[0].values.values);
  // Another perturbation's are not there: the panel comes along for that one.
  Job both(engine_.get(), controls, {Knockout("G4"), Knockout("G5")}, options_);
  EXPECT_EQ(both.evaluations_total(), (3 + 3 + 30) * 10);
  // Noise in place of latents takes none.
  options_.random_latent = true;
  Job random(engine_.get(), controls, {Knockout("G4")}, options_);
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
    while (!job->HasComplete()) Step(company);
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
  engine_ = *Engine::Create(bundle_, EngineOptions());
  const auto expected_b = Predict(four, {Knockout("G4")});
  engine_ = *Engine::Create(bundle_, EngineOptions());

  Job a(engine_.get(), three, {Knockout("G4")}, options_);
  Job b(engine_.get(), four, {Knockout("G4")}, options_);
  Company company(engine_.get(), 7);
  const DenseMatrix of_a = company.RunToTheEnd(&a, {&a, &b});
  const DenseMatrix of_b = company.RunToTheEnd(&b, {&a, &b});
  // The requests' cells are the panel's own, so that the panel's latents are all there are.
  EXPECT_EQ(company.evaluations, (30 + 30 + 3 + 4) * 10);
  EXPECT_EQ(of_a.values, expected_a[0].values.values);
  EXPECT_EQ(of_b.values, expected_b[0].values.values);
  EXPECT_EQ(engine_->in_work().size(), 0u);
}

TEST_F(JobTest, WhatAJobThatLeavesHasBegunIsFinishedByTheOthers) {
  const auto controls = Panel("T0", 3);
  const auto expected = Predict(controls, {Knockout("G4")});
  engine_ = *Engine::Create(bundle_, EngineOptions());
  auto leaver =
      std::make_unique<Job>(engine_.get(), controls, std::vector{Knockout("G4")}, options_);
  Job stayer(engine_.get(), controls, {Knockout("G4")}, options_);
  Company company(engine_.get(), 64);
  for (int step = 0; step < 14; ++step) company.Step({leaver.get()});
  // Joins the way back, four steps of which are made.
  company.Step({leaver.get(), &stayer});
  leaver.reset();
  const DenseMatrix found = company.RunToTheEnd(&stayer, {&stayer});
  EXPECT_EQ(found.values, expected[0].values.values);
  EXPECT_EQ(company.evaluations, (30 + 30 + 3) * 10 + 5 * 3) << "the leaver's own cells alone";
}

TEST_F(JobTest, AJobThatGoesDownWithAStepFailsThoseThatShareItsRows) {
  const auto controls = Panel("T0", 3);
  Job stayer(engine_.get(), controls, {Knockout("G4")}, options_);
  Job stranger(engine_.get(), Panel("T1", 25), {Knockout("G4")}, options_);
  {
    Job broken(engine_.get(), controls, {Knockout("G4")}, options_);
    Company company(engine_.get(), 64);
    company.Step({&broken, &stayer, &stranger});
    std::vector<Row*> rows;
    broken.TakeRunnable(64, &rows);
  }
  ASSERT_TRUE(stayer.HasComplete());
  EXPECT_EQ(stayer.Finish(*stayer.NextComplete()).status().code(), absl::StatusCode::kInternal);
  EXPECT_FALSE(stranger.HasComplete());
  EXPECT_EQ(engine_->in_work().size(), 25u) << "the stranger's";
  // Whoever comes later begins anew.
  EXPECT_EQ(Predict(controls, {Knockout("G4")}).size(), 1u);
}

TEST_F(JobTest, RankMaskLeavesThePredictedShareActiveWhereValuesArePositive) {
  const auto profiles = Predict(Panel("T0", 30), {Knockout("G4")});
  for (int64_t g = 0; g < profiles[0].values.cols; ++g) {
    int64_t active = 0;
    for (int64_t r = 0; r < 30; ++r) active += profiles[0].values.At(r, g) > 0;
    EXPECT_LE(active, std::llround(profiles[0].active_share[g] * 30)) << g;
  }
}

TEST_F(JobTest, CountsDownItsEvaluationsAndKeepsRowsApart) {
  options_.mask = MaskMode::kNone;
  Job job(engine_.get(), Panel("T0", 5), {Knockout("G1"), Knockout("G2")}, options_);
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
  Job late(engine_.get(), Panel("T0", 4), {Knockout("G1")}, options_);
  PredictOptions other = options_;
  other.solver = diffusion::Solver::kDdim;
  other.solver_steps = 17;
  Job early(engine_.get(), Panel("T1", 6), {Knockout("U1")}, other);
  std::vector<Row*> rows;
  int64_t step = 0;
  while (!late.done()) {
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
  const auto profiles = PredictAll(engine_.get(), Panel("T0", 2), {Knockout("G1")}, options_);
  EXPECT_EQ(profiles.status().code(), absl::StatusCode::kInvalidArgument);
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
    EXPECT_EQ(Engine::Create(nullptr, options).status().code(), absl::StatusCode::kInvalidArgument);
  }
  EngineOptions options;
  options.threads = 0;
  EXPECT_FALSE(Engine::Create(nullptr, options).ok());
  options.threads = 1;
  options.evaluator = "abacus";
  EXPECT_FALSE(Engine::Create(nullptr, options).ok());
}

class EtaTest : public JobTest {
 protected:
  void SetUp() override {
    JobTest::SetUp();
    options_.solver = diffusion::Solver::kDdim;
    options_.solver_steps = 12;
    options_.mask = MaskMode::kNone;
    options_.eta = 0.8;
  }
  std::vector<float> RowOf(const DenseMatrix& matrix, int64_t row) {
    return {matrix.Row(row).begin(), matrix.Row(row).end()};
  }
};

TEST_F(EtaTest, ACellsNoiseIsItsOwnWhateverElseIsAsked) {
  const auto all = Panel("T0", 0);
  const auto together = Predict(all, {Knockout("G1"), Knockout("G2")});
  // The same cells from behind, alone and under another place in the request.
  ControlSet some;
  some.values = SelectRows(all->values, {9, 4});
  some.cell_type = {0, 0};
  engine_ = *Engine::Create(bundle_, EngineOptions());
  const auto alone = Predict(std::make_shared<ControlSet>(some), {Knockout("G2")});
  EXPECT_EQ(RowOf(alone[0].values, 0), RowOf(together[1].values, 9));
  EXPECT_EQ(RowOf(alone[0].values, 1), RowOf(together[1].values, 4));
  // And other cells, perturbations and seeds have other noise.
  options_.seed = 1;
  EXPECT_GT(Difference(Predict(all, {Knockout("G2")})[0].values, together[1].values), 1e-3);
}

TEST_F(EtaTest, EqualCellsOfARequestAreDrawnApart) {
  ControlSet twice;
  twice.values = SelectRows(Panel("T0", 0)->values, {3, 3});
  twice.cell_type = {0, 0};
  const auto profiles = Predict(std::make_shared<ControlSet>(twice), {Knockout("G1")});
  EXPECT_NE(RowOf(profiles[0].values, 0), RowOf(profiles[0].values, 1));
  options_.eta = 0;
  const auto still = Predict(std::make_shared<ControlSet>(twice), {Knockout("G1")});
  EXPECT_EQ(RowOf(still[0].values, 0), RowOf(still[0].values, 1));
}

TEST_F(EtaTest, BothEvaluatorsDrawTheSame) {
  const auto fused = Predict(Panel("T0", 12), {Knockout("G1")});
  EngineOptions torch;
  torch.evaluator = "torchscript";
  engine_ = *Engine::Create(bundle_, torch);
  EXPECT_LT(Difference(Predict(Panel("T0", 12), {Knockout("G1")})[0].values, fused[0].values),
            1e-3);
}

TEST_F(EtaTest, FewCellsTakeThresholdsOfTheirOwnSeed) {
  options_.mask = MaskMode::kRank;
  const auto first = Predict(Panel("T0", 3), {Knockout("G1")});
  const auto again = Predict(Panel("T0", 3), {Knockout("G1")});
  EXPECT_EQ(first[0].values.values, again[0].values.values);
  options_.eta = 0;
  const auto plain = Predict(Panel("T0", 3), {Knockout("G1")});
  engine_ = *Engine::Create(bundle_, EngineOptions());
  EXPECT_EQ(Predict(Panel("T0", 3), {Knockout("G1")})[0].values.values, plain[0].values.values)
      << "thresholds with noise must not be kept for requests without";
}

TEST_F(EtaTest, TheMultistepSolverRefusesIt) {
  options_.solver = diffusion::Solver::kDpmSolverPp2m;
  options_.solver_steps = 10;
  const auto profiles = PredictAll(engine_.get(), Panel("T0", 3), {Knockout("G1")}, options_);
  EXPECT_EQ(profiles.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(profiles.status().message().find("eta"), absl::string_view::npos);
}

TEST_F(JobTest, SpreadOverMaskSeedsIsWhatManySeedsShow) {
  const auto controls = Panel("T0", 15);
  // A threshold that half of the cells reach, for the gene with the largest values.
  options_.mask = MaskMode::kNone;
  const auto values = Predict(controls, {Knockout("G1")})[0].values;
  std::vector<double> mean(24);
  for (int64_t r = 0; r < 15; ++r) {
    for (int64_t g = 0; g < 24; ++g) mean[g] += values.At(r, g);
  }
  const auto gene = std::max_element(mean.begin(), mean.end()) - mean.begin();
  DenseMatrix units = controls->values;
  for (float& value : units.values) value /= 6.0f;
  const auto probability = engine_->MaskProbability(units, controls->cell_type, *Knockout("G1"));
  ASSERT_OK(probability);
  std::vector<float> of_gene;
  for (int64_t r = 0; r < 15; ++r) of_gene.push_back(probability->At(r, gene));
  std::sort(of_gene.begin(), of_gene.end());
  options_.mask = MaskMode::kSample;
  options_.mask_threshold = of_gene[7];
  const int seeds = 300;
  std::vector<double> sum(24), squares(24);
  std::vector<float> said;
  for (int seed = 0; seed < seeds; ++seed) {
    options_.seed = seed;
    const auto profiles = Predict(controls, {Knockout("G1")});
    said = profiles[0].mask_deviation;
    for (int64_t g = 0; g < 24; ++g) {
      double of_cells = 0;
      for (int64_t r = 0; r < 15; ++r) of_cells += profiles[0].values.At(r, g) / 15;
      sum[g] += of_cells;
      squares[g] += of_cells * of_cells;
    }
  }
  ASSERT_EQ(said.size(), 24u);
  for (int64_t g = 0; g < 24; ++g) {
    const double centre = sum[g] / seeds;
    const double deviation = std::sqrt(std::max(0.0, squares[g] / seeds - centre * centre));
    // Four standard errors of a deviation from 300 draws.
    EXPECT_NEAR(said[g], deviation, 4 * deviation / std::sqrt(2.0 * seeds) + 1e-5) << g;
  }
  EXPECT_GT(said[gene], 0.01);
  options_.mask = MaskMode::kRank;
  EXPECT_TRUE(Predict(controls, {Knockout("G1")})[0].mask_deviation.empty());
}

}  // namespace
}  // namespace unlasting::predict
