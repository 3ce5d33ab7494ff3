#include "core/predict/job/mask.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "gtest/gtest.h"

namespace unlasting::predict {
namespace {

DenseMatrix Column(std::vector<float> values) {
  DenseMatrix matrix(static_cast<int64_t>(values.size()), 1);
  matrix.values = std::move(values);
  return matrix;
}

TEST(RankMaskTest, KeepsTheTopShareOfEveryGene) {
  DenseMatrix values = Column({0.5f, 0.1f, 0.9f, 0.3f, 0.7f});
  KeepTopShare(std::vector<double>{0.4}, &values);
  EXPECT_EQ(values.values, (std::vector<float>{0, 0, 0.9f, 0, 0.7f}));
}

TEST(RankMaskTest, SharesOfZeroAndOneSilenceAllAndNone) {
  DenseMatrix values = Column({0.5f, 0.1f});
  KeepTopShare(std::vector<double>{1.0}, &values);
  EXPECT_EQ(values.values, (std::vector<float>{0.5f, 0.1f}));
  KeepTopShare(std::vector<double>{0.0}, &values);
  EXPECT_EQ(values.values, (std::vector<float>{0, 0}));
}

TEST(RankMaskTest, TiesAreBrokenByCellOrder) {
  DenseMatrix values = Column({1, 1, 1, 1});
  KeepTopShare(std::vector<double>{0.5}, &values);
  EXPECT_EQ(values.values, (std::vector<float>{1, 1, 0, 0}));
}

TEST(RankMaskTest, ThresholdsOfAPanelSilenceWhatRanksWould) {
  std::mt19937 random(2);
  std::normal_distribution<float> normal;
  DenseMatrix values(40, 3);
  for (float& value : values.values) value = normal(random);
  const std::vector<double> share = {0.25, 0.0, 1.0};
  DenseMatrix ranked = values, cut = values;
  KeepTopShare(share, &ranked);
  KeepAbove(TopShareThresholds(values, share), &cut);
  EXPECT_EQ(ranked.values, cut.values);
}

// What KeepTopShare and TopShareThresholds are to find, by sorting each gene's cells.
void Sort(double share, int64_t gene, DenseMatrix* values, float* threshold) {
  std::vector<int64_t> cells(values->rows);
  std::iota(cells.begin(), cells.end(), 0);
  std::stable_sort(cells.begin(), cells.end(),
                   [&](int64_t a, int64_t b) { return values->At(a, gene) > values->At(b, gene); });
  const auto kept = static_cast<size_t>(std::llround(share * static_cast<double>(cells.size())));
  if (kept > 0 && kept < cells.size()) *threshold = values->At(cells[kept - 1], gene);
  for (size_t k = kept; k < cells.size(); ++k) values->At(cells[k], gene) = 0.0f;
}

TEST(RankMaskTest, ManyGenesOfTiesSignsAndSizesAreAsIfSorted) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const std::vector<float> special = {0.0f,  -0.0f, 0.25f,      0.25f,     1e-40f,
                                      -2.5f, 3e38f, -kInfinity, kInfinity, -1e-40f};
  std::mt19937 random(7);
  std::normal_distribution<float> normal;
  for (const int64_t cells : {1, 2, 7, 33, 120}) {
    DenseMatrix values(cells, 61);
    for (float& value : values.values) {
      value = random() % 3 == 0 ? special[random() % special.size()] : normal(random);
    }
    std::vector<double> share;
    for (int64_t g = 0; g < values.cols; ++g) share.push_back((random() % 101) / 100.0);
    DenseMatrix found = values, sorted = values;
    KeepTopShare(share, &found);
    std::vector<float> thresholds = TopShareThresholds(values, share);
    std::vector<float> expected = thresholds;
    for (int64_t g = 0; g < values.cols; ++g) Sort(share[g], g, &sorted, &expected[g]);
    EXPECT_EQ(sorted.values, found.values) << cells << " cells";
    EXPECT_EQ(expected, thresholds) << cells << " cells";
  }
}

TEST(ApplyMaskTest, EveryModeSilencesByItsOwnRule) {
  DenseMatrix probability(2, 2);
  probability.values = {0.9f, 0.6f, 0.2f, 0.6f};
  const auto masked = [&](MaskMode mode) {
    DenseMatrix values(2, 2);
    values.values = {1, 1, 1, 1};
    ApplyMask(mode, 0.55, 1, 0, probability, &values);
    return values.values;
  };
  EXPECT_EQ(masked(MaskMode::kCell), (std::vector<float>{1, 1, 0, 1}));
  // Gene 0 is predicted active in half of the cells, below tau.
  EXPECT_EQ(masked(MaskMode::kAggregate), (std::vector<float>{0, 1, 0, 1}));
  EXPECT_EQ(masked(MaskMode::kNone), (std::vector<float>{1, 1, 1, 1}));
}

TEST(ApplyMaskTest, SamplesFollowTheShareAndTheSeed) {
  DenseMatrix probability(4000, 1);
  for (int64_t r = 0; r < 4000; ++r) probability.At(r, 0) = r < 1000 ? 0.9f : 0.1f;
  const auto draw = [&](uint64_t seed) {
    DenseMatrix values(4000, 1);
    for (float& value : values.values) value = 1;
    ApplyMask(MaskMode::kSample, 0.5, seed, 0, probability, &values);
    return values.values;
  };
  double active = 0;
  for (const float value : draw(1)) active += value;
  // Binomial(4000, 1/4): five standard deviations are 137.
  EXPECT_NEAR(active, 1000, 137);
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

}  // namespace
}  // namespace unlasting::predict
