// What is drawn, and how much it spreads.
#include <algorithm>
#include <cmath>

#include "core/predict/engine/engine_factory.h"
#include "core/predict/job/counts.h"
#include "tests/core/predict/job/job_fixture.h"

namespace unlasting::predict {
namespace {

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
  engine_ = *CreateEngine(bundle_, EngineOptions());
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

TEST_F(EtaTest, FewCellsTakeThresholdsOfTheirOwnSeed) {
  options_.mask = MaskMode::kRank;
  const auto first = Predict(Panel("T0", 3), {Knockout("G1")});
  const auto again = Predict(Panel("T0", 3), {Knockout("G1")});
  EXPECT_EQ(first[0].values.values, again[0].values.values);
  options_.eta = 0;
  const auto plain = Predict(Panel("T0", 3), {Knockout("G1")});
  engine_ = *CreateEngine(bundle_, EngineOptions());
  EXPECT_EQ(Predict(Panel("T0", 3), {Knockout("G1")})[0].values.values, plain[0].values.values)
      << "thresholds with noise must not be kept for requests without";
}

TEST_F(EtaTest, TheMultistepSolverRefusesIt) {
  options_.solver = diffusion::Solver::kDpmSolverPp2m;
  options_.solver_steps = 10;
  const auto profiles = PredictAll(engine_.get(), {Panel("T0", 3), {Knockout("G1")}, options_});
  EXPECT_EQ(profiles.status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(profiles.status().message().find("eta"), absl::string_view::npos);
}

class CountsTest : public JobTest {
 protected:
  void SetUp() override {
    JobTest::SetUp();
    options_.draw_counts = true;
  }
  std::vector<float> CountsOf(const Profiles& profiles, int64_t row) {
    std::vector<int64_t> columns(profiles.values.cols);
    for (size_t k = 0; k < columns.size(); ++k) columns[k] = static_cast<int64_t>(k);
    std::vector<float> counts(columns.size());
    DrawCounts(profiles.values.Row(row), bundle_->manifest().counts.dispersion, profiles.draws[row],
               columns, absl::MakeSpan(counts));
    return counts;
  }
};

TEST_F(CountsTest, ACellsCountsAreItsOwnWhateverElseIsAsked) {
  const auto all = Panel("T0", 0);
  // The rank mask looks at all cells of a request.
  options_.mask = MaskMode::kNone;
  const auto unmasked = Predict(all, {Knockout("G1"), Knockout("G2")});
  // The same cells from behind, alone and under another place in the request.
  ControlSet some;
  some.values = SelectRows(all->values, {9, 4});
  some.cell_type = {0, 0};
  some.library_size = {all->library_size[9], all->library_size[4]};
  const auto alone = Predict(std::make_shared<ControlSet>(some), {Knockout("G2")});
  EXPECT_EQ(CountsOf(alone[0], 0), CountsOf(unmasked[1], 9));
  EXPECT_EQ(CountsOf(alone[0], 1), CountsOf(unmasked[1], 4));
  EXPECT_NE(CountsOf(unmasked[0], 9), CountsOf(unmasked[1], 9));
  options_.seed = 1;
  EXPECT_NE(CountsOf(Predict(all, {Knockout("G2")})[0], 9), CountsOf(unmasked[1], 9));
}

TEST_F(CountsTest, CellsAreDrawnAtTheirLibrarySizesOrAtOneDepth) {
  const auto panel = Panel("T0", 12);
  const auto own = Predict(panel, {Knockout("G1")});
  ASSERT_EQ(own[0].draws.size(), 12u);
  for (size_t k = 0; k < own[0].draws.size(); ++k) {
    EXPECT_DOUBLE_EQ(own[0].draws[k].scale, panel->library_size[k] / 1000.0);
    EXPECT_EQ(own[0].draws[k].dispersion_share, 0.5);
  }
  options_.count_depth = 5000;
  const auto deep = Predict(panel, {Knockout("G1")});
  for (const CountDraw& draw : deep[0].draws) EXPECT_DOUBLE_EQ(draw.scale, 5.0);
  options_.draw_counts = false;
  EXPECT_TRUE(Predict(panel, {Knockout("G1")})[0].draws.empty());
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
  DenseMatrix units = ToDense(controls->values);
  for (float& value : units.values) value /= 6.0f;
  const auto probability =
      engine_->MaskProbability(units, controls->cell_type, nullptr, *Knockout("G1"));
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
