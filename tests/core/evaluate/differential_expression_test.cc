#include "core/evaluate/differential_expression.h"

#include <cmath>

#include "core/evaluate/column_statistics.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace unlasting::evaluate {
namespace {

using ::testing::DoubleEq;
using ::testing::Each;
using ::testing::ElementsAre;

DenseMatrix Cells(int64_t genes, std::vector<float> values) {
  DenseMatrix matrix(static_cast<int64_t>(values.size()) / genes, genes);
  matrix.values = std::move(values);
  return matrix;
}

TEST(RankGenesTest, IsTheWelchTest) {
  // scipy.stats.ttest_ind([1, 2, 4], [0, 1, 1, 0], equal_var=False)
  const auto de = RankGenes(Cells(1, {1, 2, 4}), Cells(1, {0, 1, 1, 0}));
  EXPECT_NEAR(de.score[0], 1.975658322294524, 1e-12);
  EXPECT_NEAR(de.p_value[0], 0.16368572941263276, 1e-12);
}

TEST(RankGenesTest, ConstantGenesScoreNothing) {
  const auto de = RankGenes(Cells(2, {0, 2, 0, 2}), Cells(2, {0, 1, 0, 1, 0, 1}));
  EXPECT_THAT(de.score, ElementsAre(0, 0));
  EXPECT_THAT(de.p_value, ElementsAre(1, 1));
  EXPECT_EQ(de.log2_fold_change[0], 0);
  EXPECT_GT(de.log2_fold_change[1], 0);
}

TEST(RankGenesTest, OneCellHasNoVarianceToTestWith) {
  const auto de = RankGenes(Cells(2, {1, 2}), Cells(2, {0, 1, 3, 4}));
  EXPECT_THAT(de.score, Each(0));
  EXPECT_THAT(de.p_value, Each(1));
}

TEST(WelchPTest, IsThatOfTheCellsFromWhatASummarySays) {
  const DenseMatrix group = Cells(2, {1, 0, 2, 0.5f, 4, 0.25f});
  const DenseMatrix reference = Cells(2, {0, 3, 1, 2.5f, 1, 2.75f});
  const auto de = RankGenes(group, reference);
  const auto a = StatisticsOf(group), b = StatisticsOf(reference);
  for (int g = 0; g < 2; ++g) {
    EXPECT_NEAR(WelchP(de.score[g], a.mean[g] - b.mean[g], a.variance[g], 3), de.p_value[g], 1e-9);
  }
}

TEST(WelchPTest, IsDefinedWhereRoundingLeavesNoVarianceOrNothingVaries) {
  EXPECT_EQ(WelchP(0, 0, 0, 5), 1);
  EXPECT_TRUE(std::isnan(WelchP(2, 1, 1, 1)));
  // The second group would have a variance below 0, and then neither varies.
  for (const double variance : {10.0, 0.0}) {
    const double p = WelchP(1e6, 1e-3, variance, 5);
    EXPECT_GE(p, 0);
    EXPECT_LE(p, 1);
  }
}

TEST(RankGenesTest, OverestimatedVarianceTakesTheReferenceForAsSmallAsTheGroup) {
  const DenseMatrix group = Cells(1, {1, 2, 4}), reference = Cells(1, {0, 1, 1, 0, 1, 0});
  const auto welch = RankGenes(group, reference);
  const auto cautious = RankGenes(group, reference, evaluate::Test::kOverestimateVar);
  EXPECT_LT(cautious.score[0], welch.score[0]);
  EXPECT_GT(cautious.score[0], 0);
}

TEST(RankGenesTest, AdjustsPValuesByBenjaminiAndHochberg) {
  const auto de = RankGenes(Cells(3, {1, 5, 0, 2, 6, 1, 3, 7, 3}),
                            Cells(3, {1, 0, 0, 2, 1, 0, 2, 1, 0, 1, 0, 1}));
  const auto& p = de.p_value;
  ASSERT_LT(p[1], p[2]);
  ASSERT_LT(p[2], p[0]);
  EXPECT_DOUBLE_EQ(de.p_adjusted[1], std::min({3 * p[1], 1.5 * p[2], p[0]}));
  EXPECT_DOUBLE_EQ(de.p_adjusted[2], std::min(1.5 * p[2], p[0]));
  EXPECT_THAT(de.p_adjusted[0], DoubleEq(p[0]));
}

TEST(RankGenesTest, IsTheRankSumTest) {
  // Ranks of the group: 3, 4.5, 6 of 6; z = (13.5 - 3 * 7 / 2) / sqrt(3 * 3 * 7 / 12).
  const DenseMatrix group = Cells(1, {1, 2, 4}), reference = Cells(1, {0, 2, 0.5f});
  const auto de = RankGenes(group, reference, evaluate::Test::kWilcoxon);
  EXPECT_DOUBLE_EQ(de.score[0], 3 / std::sqrt(5.25));
  EXPECT_NEAR(de.p_value[0], 0.19043026382552, 1e-10);
  // One tie of two: the variance times 1 - (8 - 2) / (216 - 6).
  const auto corrected = RankGenes(group, reference, evaluate::Test::kWilcoxonTies);
  EXPECT_DOUBLE_EQ(corrected.score[0], 3 / std::sqrt(5.25 * (1 - 6.0 / 210)));
}

TEST(RankGenesTest, ARankSumTestOfEqualValuesScoresNothing) {
  for (const auto test : {evaluate::Test::kWilcoxon, evaluate::Test::kWilcoxonTies}) {
    const auto de = RankGenes(Cells(1, {1, 1}), Cells(1, {1, 1, 1}), test);
    EXPECT_EQ(de.score[0], 0);
    EXPECT_EQ(de.p_value[0], 1);
  }
}

TEST(TopGenesTest, RanksByMagnitudeAndBreaksTiesByColumn) {
  DifferentialExpression de;
  de.score = {1, -3, 0, 3, -5};
  EXPECT_THAT(TopGenes(de, 3), ElementsAre(4, 1, 3));
  EXPECT_EQ(TopGenes(de, 20).size(), 5u);
  EXPECT_TRUE(TopGenes(de, 0).empty());
}

}  // namespace
}  // namespace unlasting::evaluate
