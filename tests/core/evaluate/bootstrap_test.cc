#include "core/evaluate/bootstrap.h"

#include <cmath>
#include <random>

#include "core/evaluate/distances.h"
#include "core/evaluate/resampled_emd.h"
#include "core/evaluate/scorer.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace unlasting::evaluate {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr int kGenes = 30;

DenseMatrix RandomCells(int64_t rows, uint32_t seed, float shift = 0) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  DenseMatrix cells(rows, kGenes);
  for (float& value : cells.values) value = std::max(-0.5f, normal(random) + shift);
  for (size_t k = 0; k < cells.values.size(); k += 3) cells.values[k] = 0;
  return cells;
}

Group MakeGroup(int64_t cells, uint32_t seed, float predicted_shift) {
  Group group;
  group.key = {{"condition", "A+ctrl"}, {"cell_type", "T"}};
  group.truth = RandomCells(cells, seed, 1);
  group.predicted = RandomCells(cells, seed + 1, predicted_shift);
  group.control = RandomCells(cells, seed + 2);
  group.mean_shift = std::vector<float>(kGenes, 0.0f);
  return group;
}

DenseMatrix Drawn(const DenseMatrix& cells, const Resamples& resamples, int b) {
  std::vector<int64_t> rows;
  for (int64_t r = 0; r < cells.rows; ++r) {
    rows.insert(rows.end(), static_cast<size_t>(resamples.Draws(r)[b]), r);
  }
  return SelectRows(cells, rows);
}

TEST(ResamplesTest, DrawAsManyCellsAsThereAreAndTheSameForASeed) {
  const Resamples resamples(50, 20, 3), again(50, 20, 3), other(50, 20, 4);
  bool differs = false;
  for (int b = 0; b < 20; ++b) {
    double drawn = 0, squares = 0;
    for (int64_t cell = 0; cell < 50; ++cell) {
      const float draws = resamples.Draws(cell)[b];
      drawn += draws;
      squares += draws * draws;
      EXPECT_EQ(again.Draws(cell)[b], draws);
      differs = differs || other.Draws(cell)[b] != draws;
    }
    EXPECT_EQ(drawn, 50);
    EXPECT_EQ(resamples.PairsOfDifferentCells(b), 2500 - squares);
  }
  EXPECT_TRUE(differs);
}

TEST(ResampledScoresTest, AreThoseOfTheDrawnCells) {
  const DenseMatrix x = RandomCells(70, 1), y = RandomCells(90, 2, 0.5f);
  const Resamples xs(70, 5, 1), ys(90, 5, 2);
  PairOptions of_x, of_y, cross;
  of_x.x = cross.x = &xs;
  of_y.x = cross.y = &ys;
  const auto sums = CrossPairs(x, y, cross), within_x = WithinPairs(x, of_x),
             within_y = WithinPairs(y, of_y);
  const auto distances = ResampledEDistance(sums, within_x, xs, 70, within_y, ys, 90);
  const auto emd = ResampledEmd(x, xs, y, ys, 2);
  for (int b = 0; b < 5; ++b) {
    const DenseMatrix drawn_x = Drawn(x, xs, b), drawn_y = Drawn(y, ys, b);
    PairOptions plain;
    const double between = CrossPairs(drawn_x, drawn_y, plain).norm / (70 * 90);
    const double in_x = WithinPairs(drawn_x, plain).norm / xs.PairsOfDifferentCells(b);
    const double in_y = WithinPairs(drawn_y, plain).norm / ys.PairsOfDifferentCells(b);
    EXPECT_NEAR(distances[b], 2 * (between - in_x - in_y), 1e-5);
    const auto expected = EmdPerGene(drawn_x, drawn_y);
    for (int g = 0; g < kGenes; ++g) EXPECT_NEAR(emd[g * 5 + b], expected[g], 1e-5);
  }
}

TEST(IntervalAroundTest, HoldsTheScoreAndPassesOverWhatIsUndefined) {
  std::vector<double> resampled;
  for (int k = 0; k <= 100; ++k) resampled.push_back(k + 7.0);
  resampled.push_back(NAN);
  const Interval interval = IntervalAround(50, resampled);
  EXPECT_DOUBLE_EQ(interval.low, 2.5);
  EXPECT_DOUBLE_EQ(interval.high, 97.5);
  EXPECT_TRUE(std::isnan(IntervalAround(NAN, resampled).low));
  EXPECT_TRUE(std::isnan(IntervalAround(1, {}).high));
}

TEST(IntervalTest, CoversTheDistanceOfThePopulationAboutAsOftenAsItSays) {
  const double population = [] {
    return EDistance(RandomCells(3000, 100), RandomCells(3000, 101, 0.3f), 2).unbiased;
  }();
  int covered = 0;
  for (uint32_t k = 0; k < 60; ++k) {
    Group group = MakeGroup(60, 10 * k, 1);
    group.predicted = RandomCells(60, 10 * k + 5);
    group.truth = RandomCells(60, 10 * k + 6, 0.3f);
    const auto card = Score({group}, {});
    ASSERT_TRUE(card.ok());
    const Interval interval = card->groups[0].intervals.at("e_distance.unbiased.all");
    covered += interval.low <= population && population <= interval.high ? 1 : 0;
  }
  EXPECT_GE(covered, 52);
}

TEST(IntervalTest, IsNarrowerOverMoreCellsAndMoreGroups) {
  const auto width = [](const std::vector<Group>& groups) {
    const auto card = Score(groups, {});
    const Interval interval = card->mean_intervals.at("emd.all");
    return interval.high - interval.low;
  };
  EXPECT_LT(width({MakeGroup(400, 1, 0.5f)}), width({MakeGroup(40, 1, 0.5f)}));
  EXPECT_LT(width({MakeGroup(40, 1, 0.5f), MakeGroup(40, 5, 0.5f), MakeGroup(40, 9, 0.5f)}),
            width({MakeGroup(40, 1, 0.5f)}));
}

TEST(IntervalTest, TheJsonHasThemAsFurtherKeys) {
  const auto card = Score({MakeGroup(40, 1, 1)}, {});
  const auto json = card->ToJson();
  const auto& interval = json["groups"][0]["intervals"]["emd.de20"];
  EXPECT_LE(interval[0], json["groups"][0]["scores"]["emd.de20"]);
  EXPECT_GE(interval[1], json["groups"][0]["scores"]["emd.de20"]);
  EXPECT_TRUE(json["groups"][0]["baseline_intervals"]["no_change"].contains("emd.all"));
  EXPECT_TRUE(json["intervals"].contains("e_distance.unbiased.all"));
  EXPECT_LT(json["differences"]["mean_shift"]["emd.all"]["high"], 0);
  ScoreOptions without;
  without.resamples = 0;
  const auto bare = Score({MakeGroup(40, 1, 1)}, without);
  EXPECT_FALSE(bare->ToJson().contains("intervals"));
  EXPECT_THAT(bare->ToTable(), Not(HasSubstr("95 %")));
  EXPECT_THAT(card->ToTable(), HasSubstr("95 %"));
  EXPECT_EQ(bare->mean.at("emd.all"), card->mean.at("emd.all"));
}

TEST(IntervalTest, TheVerdictSaysWhereTheCellsCannotTell) {
  EXPECT_THAT(Score({MakeGroup(40, 1, 1)}, {})->Verdict(), Not(HasSubstr("sampling noise")));
  Group same = MakeGroup(40, 1, 1);
  for (float& value : same.control.values) value = std::max(0.0f, value);
  same.predicted = same.control;
  same.predicted.values[1] += 0.01f;
  same.predicted.values[4] -= 0.01f;
  EXPECT_THAT(Score({same}, {})->Verdict(), HasSubstr("lies within the sampling noise"));
}

TEST(IntervalTest, OneCellHasNone) {
  Group group = MakeGroup(20, 1, 1);
  group.truth = RandomCells(1, 3, 1);
  const auto card = Score({group, MakeGroup(20, 6, 1)}, {});
  ASSERT_TRUE(card.ok());
  EXPECT_TRUE(std::isnan(card->groups[0].intervals.at("e_distance.unbiased.all").low));
  EXPECT_TRUE(card->ToJson()["groups"][0]["intervals"]["e_distance.unbiased.all"].is_null());
  EXPECT_TRUE(std::isfinite(card->mean_intervals.at("e_distance.unbiased.all").low));
}

}  // namespace
}  // namespace unlasting::evaluate
