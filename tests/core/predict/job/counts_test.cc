// Counts drawn from profiles: their expectation, what stays active, and that a draw is a function
// of its place.
#include "core/predict/job/counts.h"

#include <cmath>
#include <vector>

#include "gtest/gtest.h"

namespace unlasting::predict {
namespace {

struct Drawn {
  double mean = 0, variance = 0, zeros = 0, least = 0;
};

Drawn Draw(double expected, double dispersion, int draws = 40000) {
  Drawn drawn;
  drawn.least = 1e30;
  double sum = 0, squares = 0;
  for (int k = 0; k < draws; ++k) {
    const float count = DrawCount(expected, dispersion, 1000003ull * k + 7);
    EXPECT_EQ(count, std::floor(count));
    sum += count;
    squares += static_cast<double>(count) * count;
    drawn.zeros += count == 0 ? 1.0 / draws : 0;
    drawn.least = std::min<double>(drawn.least, count);
  }
  drawn.mean = sum / draws;
  drawn.variance = squares / draws - drawn.mean * drawn.mean;
  return drawn;
}

TEST(DrawCountTest, KeepsTheExpectationAtEveryDispersion) {
  for (const double dispersion : {0.0, 0.3, 2.0, 10.0}) {
    for (const double expected :
         {0.01, 0.4, 0.999, 1.0, 1.001, 1.5, 3.0, 20.0, 63.0, 70.0, 500.0}) {
      const Drawn drawn = Draw(expected, dispersion);
      const double error = std::sqrt(drawn.variance / 40000);
      EXPECT_NEAR(drawn.mean, expected, 5 * error + 1e-9)
          << "expected " << expected << ", dispersion " << dispersion;
    }
  }
}

TEST(DrawCountTest, ActiveGenesStayActiveFromAnExpectedCountOfOneOn) {
  for (const double dispersion : {0.0, 1.0, 10.0}) {
    for (const double expected : {1.0, 1.0000001, 1.2, 5.0, 100.0}) {
      EXPECT_GE(Draw(expected, dispersion, 5000).least, 1) << expected << " " << dispersion;
    }
  }
}

TEST(DrawCountTest, BelowOneTheCountIsOneWithThatProbability) {
  const Drawn drawn = Draw(0.3, 2.0);
  EXPECT_NEAR(drawn.zeros, 0.7, 0.01);
  EXPECT_NEAR(drawn.variance, 0.21, 0.01);
  EXPECT_EQ(DrawCount(0, 1, 5), 0);
  EXPECT_EQ(DrawCount(-1, 1, 5), 0);
  EXPECT_EQ(DrawCount(std::nan(""), 1, 5), 0);
}

TEST(DrawCountTest, LargeCountsVaryAsTheNegativeBinomialDoes) {
  // Zeros are rare there, so that cutting them off hardly matters.
  EXPECT_NEAR(Draw(40, 0.0).variance, 40, 2);
  EXPECT_NEAR(Draw(40, 0.25).variance, 40 + 0.25 * 1600, 20);
  EXPECT_NEAR(Draw(200, 0.25).variance, 200 + 0.25 * 40000, 500);
}

TEST(DrawCountTest, HugeExpectationsStayWhatFloat32HoldsExactly) {
  for (int k = 0; k < 1000; ++k) {
    const float count = DrawCount(kLargestCount, 10, k);
    EXPECT_GE(count, 1);
    EXPECT_LE(count, kLargestCount);
  }
  EXPECT_EQ(ExpectedCount(80.0f, {1, 1e4}), kLargestCount);
}

TEST(DrawCountsTest, AGenesCountDependsOnItsPlaceAlone) {
  const std::vector<float> profile = {0, 1.2f, 3.0f, 0.5f};
  const std::vector<double> dispersion = {1, 1, 0.2, 0};
  const CountDraw draw = {77, 2.0};
  std::vector<float> all(4), some(2), other(4);
  DrawCounts(profile, dispersion, draw, {0, 1, 2, 3}, absl::MakeSpan(all));
  DrawCounts(profile, dispersion, draw, {2, 1}, absl::MakeSpan(some));
  EXPECT_EQ(all[0], 0);
  EXPECT_EQ(some, (std::vector<float>{all[2], all[1]}));
  int differ = 0;
  for (uint64_t key = 0; key < 50; ++key) {
    DrawCounts(profile, dispersion, {key, 2.0}, {0, 1, 2, 3}, absl::MakeSpan(other));
    differ += other != all ? 1 : 0;
  }
  EXPECT_GT(differ, 40);
}

}  // namespace
}  // namespace unlasting::predict
