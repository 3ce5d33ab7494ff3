#include "core/evaluate/distances.h"

#include <cmath>
#include <random>

#include "gtest/gtest.h"

namespace unlasting::evaluate {
namespace {

DenseMatrix RandomCells(int64_t rows, int64_t genes, uint32_t seed, float shift = 0) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  DenseMatrix cells(rows, genes);
  for (float& value : cells.values) value = std::max(0.0f, normal(random) + shift);
  return cells;
}

double Norm(const DenseMatrix& x, int64_t i, const DenseMatrix& y, int64_t j) {
  double sum = 0;
  for (int64_t g = 0; g < x.cols; ++g) {
    const double difference = static_cast<double>(x.At(i, g)) - y.At(j, g);
    sum += difference * difference;
  }
  return std::sqrt(sum);
}

PairSums SlowSums(const DenseMatrix& x, const DenseMatrix& y) {
  PairSums sums;
  for (int64_t i = 0; i < x.rows; ++i) {
    for (int64_t j = 0; j < y.rows; ++j) {
      const double norm = Norm(x, i, y, j);
      sums.norm += norm;
      sums.squared += norm * norm;
    }
  }
  return sums;
}

TEST(EDistanceTest, AgreesWithTheDefinitionAtEveryBlockEdge) {
  // Below, at and above the tiles and chunks of the blocked sums.
  for (const auto& [n, m, genes] :
       {std::tuple{3, 5, 1}, {64, 64, 256}, {65, 130, 257}, {7, 63, 300}}) {
    const DenseMatrix x = RandomCells(n, genes, 1), y = RandomCells(m, genes, 2, 0.5f);
    const PairSums xy = SlowSums(x, y), xx = SlowSums(x, x), yy = SlowSums(y, y);
    const double nd = n, md = m;
    const EDistances e = EDistance(x, y, 2);
    EXPECT_NEAR(e.paper, 2 * xy.norm / (nd * md) - xx.norm / (nd * nd) - yy.norm / (md * md),
                1e-10);
    const double unbiased =
        2 * xy.norm / (nd * md) - xx.norm / (nd * (nd - 1)) - yy.norm / (md * (md - 1));
    EXPECT_NEAR(e.unbiased, unbiased, 1e-10);
    EXPECT_NEAR(e.released, std::sqrt(std::max(0.0, unbiased)), 1e-10);
    EXPECT_NEAR(
        e.squared,
        2 * xy.squared / (nd * md) - xx.squared / (nd * (nd - 1)) - yy.squared / (md * (md - 1)),
        1e-9);
  }
}

TEST(EDistanceTest, IsZeroBetweenAGroupAndItself) {
  const DenseMatrix x = RandomCells(100, 40, 3);
  const EDistances e = EDistance(x, x, 2);
  EXPECT_NEAR(e.paper, 0, 1e-12);
  EXPECT_LE(e.unbiased, 0);
  EXPECT_EQ(e.released, 0);
}

TEST(EDistanceTest, IsZeroWhereAllCellsAreEqual) {
  DenseMatrix x(5, 3);
  std::fill(x.values.begin(), x.values.end(), 1.25f);
  const EDistances e = EDistance(x, x, 1);
  EXPECT_EQ(e.paper, 0);
  EXPECT_EQ(e.unbiased, 0);
  EXPECT_EQ(e.squared, 0);
}

TEST(EDistanceTest, KeepsItsDigitsFarFromTheOrigin) {
  DenseMatrix x(2, 1), y(2, 1);
  x.values = {1e6f, 1e6f};
  y.values = {1e6f + 0.0625f, 1e6f + 0.0625f};
  EXPECT_EQ(EDistance(x, y, 1).paper, 0.125);
}

TEST(EDistanceTest, OneCellLeavesOnlyThePapersFormDefined) {
  const EDistances e = EDistance(RandomCells(1, 10, 4), RandomCells(20, 10, 5), 1);
  EXPECT_TRUE(std::isfinite(e.paper));
  EXPECT_TRUE(std::isnan(e.unbiased));
  EXPECT_TRUE(std::isnan(e.released));
  EXPECT_TRUE(std::isnan(e.squared));
}

TEST(EDistanceTest, IsTheSameToTheBitForEveryThreadCount) {
  const DenseMatrix x = RandomCells(333, 70, 6), y = RandomCells(190, 70, 7, 0.2f);
  const EDistances one = EDistance(x, y, 1);
  const std::vector<double> emd = EmdPerGene(x, y, 1);
  for (const int threads : {2, 3, 8}) {
    const EDistances e = EDistance(x, y, threads);
    EXPECT_EQ(e.paper, one.paper);
    EXPECT_EQ(e.unbiased, one.unbiased);
    EXPECT_EQ(e.squared, one.squared);
    EXPECT_EQ(EmdPerGene(x, y, threads), emd);
  }
}

DenseMatrix OneGene(std::vector<float> values) {
  DenseMatrix matrix(static_cast<int64_t>(values.size()), 1);
  matrix.values = std::move(values);
  return matrix;
}

TEST(EmdTest, IsTheAreaBetweenTheDistributionFunctions) {
  // scipy.stats.wasserstein_distance([0, 1, 3], [5, 6, 8]) = 5
  EXPECT_DOUBLE_EQ(Emd(OneGene({0, 1, 3}), OneGene({8, 6, 5})), 5);
  // Unequal sizes: scipy gives 0.75 and 0.625 for these.
  EXPECT_DOUBLE_EQ(Emd(OneGene({0, 1}), OneGene({0, 1, 2, 2})), 0.75);
  EXPECT_DOUBLE_EQ(Emd(OneGene({-1, 0, 0, 0.5}), OneGene({0.5})), 0.625);
}

TEST(EmdTest, ASampleRepeatedIsTheSameDistribution) {
  EXPECT_DOUBLE_EQ(Emd(OneGene({3, 0, 1}), OneGene({0, 0, 1, 1, 3, 3})), 0);
}

TEST(EmdTest, IsTheMeanOverGenes) {
  DenseMatrix x(1, 2), y(1, 2);
  x.values = {0, 1};
  y.values = {2, 1};
  EXPECT_DOUBLE_EQ(Emd(x, y), 1);
}

TEST(EmdTest, AnEmptyGroupHasNoDistance) {
  EXPECT_TRUE(std::isnan(Emd(DenseMatrix(0, 2), DenseMatrix(3, 2))));
  EXPECT_TRUE(std::isnan(EDistance(DenseMatrix(0, 2), DenseMatrix(3, 2)).paper));
}

}  // namespace
}  // namespace unlasting::evaluate
