#include "core/evaluate/dip.h"

#include <cmath>
#include <random>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace unlasting::evaluate {
namespace {

std::vector<float> Normals(int64_t n, uint32_t seed, float mean = 0, float deviation = 1) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(mean, deviation);
  std::vector<float> values(n);
  for (float& value : values) value = normal(random);
  return values;
}

std::vector<float> Joined(std::vector<float> a, const std::vector<float>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST(DipTest, IsThatOfTheDefinitionOnSmallSamples) {
  // Evenly spaced values are as unimodal as n steps can be; two atoms are as far from it as can be.
  EXPECT_DOUBLE_EQ(Dip({0, 1, 2, 3, 4, 5, 6, 7}), 1 / 16.0);
  EXPECT_DOUBLE_EQ(Dip({0, 0, 0, 1, 1, 1}), 0.25);
  EXPECT_DOUBLE_EQ(Dip({0, 0, 1, 1, 2, 2}), 1 / 6.0);
  EXPECT_DOUBLE_EQ(Dip({0, 1, 10, 11}), 0.225);
  EXPECT_DOUBLE_EQ(Dip({3, 3, 3}), 0);
  EXPECT_DOUBLE_EQ(Dip({3}), 0);
  EXPECT_TRUE(std::isnan(Dip({})));
}

TEST(DipTest, DependsNeitherOnOrderNorOnUnit) {
  std::vector<float> values = Joined(Normals(40, 1), Normals(30, 2, 4));
  const double dip = Dip(values);
  std::reverse(values.begin(), values.end());
  EXPECT_EQ(Dip(values), dip);
  for (float& value : values) value = -2 * value;
  EXPECT_NEAR(Dip(values), dip, 1e-9);
}

TEST(DipTest, FindsTwoModes) {
  EXPECT_TRUE(IsBimodal(Dip(Joined(Normals(150, 1), Normals(150, 2, 5))), 300));
  // Silent cells beside a bump of active ones.
  EXPECT_TRUE(IsBimodal(Dip(Joined(std::vector<float>(120), Normals(180, 3, 2, 0.4f))), 300));
}

TEST(DipTest, TakesSkewAndSilenceAloneForOneMode) {
  EXPECT_FALSE(IsBimodal(Dip(Normals(300, 1)), 300));
  std::vector<float> falling = Normals(300, 2);
  for (float& value : falling) value = std::exp(value);
  EXPECT_FALSE(IsBimodal(Dip(falling), 300));
  std::vector<float> half = Normals(150, 3);
  for (float& value : half) value = std::abs(value);
  EXPECT_FALSE(IsBimodal(Dip(Joined(std::vector<float>(150), half)), 300));
}

TEST(DipTest, RejectsOneModeInOneOfTwentyUniformSamples) {
  std::mt19937 random(5);
  std::uniform_real_distribution<float> uniform;
  for (const int n : {50, 400}) {
    int rejected = 0;
    for (int k = 0; k < 2000; ++k) {
      std::vector<float> values(n);
      for (float& value : values) value = uniform(random);
      rejected += IsBimodal(Dip(std::move(values)), n) ? 1 : 0;
    }
    EXPECT_NEAR(rejected, 100, 40) << n;
  }
}

}  // namespace
}  // namespace unlasting::evaluate
