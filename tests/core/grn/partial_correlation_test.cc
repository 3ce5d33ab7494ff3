#include "core/grn/partial_correlation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>
#include <utility>
#include <vector>

namespace unlasting::grn {
namespace {

constexpr int64_t kCells = 1500;

using Pairs = std::set<std::pair<int32_t, int32_t>>;

// [kCells, genes] standard normal values around 3, so that nothing is 0.
DenseMatrix Noise(int64_t genes, uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(3, 1);
  DenseMatrix cells(kCells, genes);
  for (float& value : cells.values) value = normal(random);
  return cells;
}

Pairs Joined(const DenseMatrix& cells, const std::vector<int32_t>& types = {}, int threads = 1) {
  Pairs pairs;
  for (const Edge& edge : PartialCorrelationEdges(ToCsr(cells), types, 0.05, threads)) {
    EXPECT_GT(edge.strength, 0);
    EXPECT_LE(edge.strength, 1);
    pairs.insert({edge.source, edge.target});
  }
  for (const auto& [a, b] : pairs) EXPECT_EQ(pairs.count({b, a}), 1u) << a << " " << b;
  return pairs;
}

TEST(PartialCorrelationTest, JoinsCauseAndEffectButNotTheEffectsOfOneCause) {
  DenseMatrix cells = Noise(40, 1);
  for (int64_t r = 0; r < kCells; ++r) {
    cells.At(r, 1) += 0.7f * cells.At(r, 0);
    cells.At(r, 2) += 0.7f * cells.At(r, 0);
    cells.At(r, 3) += 0.7f * cells.At(r, 2);
  }
  const Pairs joined = Joined(cells);
  for (const auto& pair : Pairs{{0, 1}, {0, 2}, {2, 3}}) {
    EXPECT_EQ(joined.count(pair), 1u) << pair.first << " " << pair.second;
  }
  EXPECT_LE(joined.size(), 10u) << "at most two false pairs among 780";
}

TEST(PartialCorrelationTest, DepthJoinsNothing) {
  DenseMatrix cells = Noise(40, 2);
  std::mt19937 random(3);
  std::normal_distribution<float> normal(0, 1);
  for (int64_t r = 0; r < kCells; ++r) {
    const float depth = normal(random);
    for (int64_t g = 0; g < 40; ++g) cells.At(r, g) += depth;
  }
  EXPECT_GT(CoExpressionEdges(ToCsr(cells), 0.3).size(), 1000u);
  EXPECT_LE(Joined(cells).size(), 6u);
}

TEST(PartialCorrelationTest, CellTypesJoinNothing) {
  DenseMatrix cells = Noise(40, 4);
  std::vector<int32_t> types;
  for (int64_t r = 0; r < kCells; ++r) {
    types.push_back(static_cast<int32_t>(r % 3));
    // As many genes up as down, so that the depth does not tell the types.
    for (int64_t g = 0; g < 10; ++g) {
      cells.At(r, g) += static_cast<float>(g % 2 == 0 ? r % 3 : 2 - r % 3);
    }
  }
  EXPECT_LE(Joined(cells, types).size(), 6u);
  EXPECT_GE(Joined(cells).size(), 40u) << "without the types they would";
}

TEST(PartialCorrelationTest, TheThreadsDoNotMatter) {
  DenseMatrix cells = Noise(150, 5);
  for (int64_t r = 0; r < kCells; ++r) cells.At(r, 100) += cells.At(r, 3);
  const auto one = PartialCorrelationEdges(ToCsr(cells), {}, 0.05, 1);
  const auto three = PartialCorrelationEdges(ToCsr(cells), {}, 0.05, 3);
  ASSERT_GE(one.size(), 2u);
  ASSERT_EQ(one.size(), three.size());
  for (size_t k = 0; k < one.size(); ++k) {
    EXPECT_EQ(one[k].source, three[k].source);
    EXPECT_EQ(one[k].target, three[k].target);
    EXPECT_EQ(one[k].strength, three[k].strength);
  }
}

TEST(PartialCorrelationTest, RareAndConstantGenesAndFewCellsHaveNoEdges) {
  DenseMatrix cells = Noise(12, 6);
  for (int64_t r = 0; r < kCells; ++r) {
    cells.At(r, 0) = 1;  // constant
    // Two genes that the same few cells express would be joined by these alone.
    cells.At(r, 1) = cells.At(r, 2) = r < 5 ? 4.0f : 0.0f;
    cells.At(r, 4) += cells.At(r, 3);
  }
  for (const auto& [a, b] : Joined(cells)) EXPECT_GT(std::min(a, b), 2) << a << " " << b;
  DenseMatrix few(30, 12);
  std::copy_n(cells.values.begin(), few.values.size(), few.values.begin());
  EXPECT_TRUE(Joined(few).empty());
  EXPECT_TRUE(Joined(DenseMatrix(0, 12)).empty());
  EXPECT_TRUE(Joined(DenseMatrix(100, 12)).empty()) << "nothing is expressed";
}

}  // namespace
}  // namespace unlasting::grn
