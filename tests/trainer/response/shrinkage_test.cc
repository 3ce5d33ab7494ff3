#include "trainer/response/shrinkage.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace unlasting::trainer {
namespace {

constexpr size_t kManyGenes = 2000;

struct Sample {
  GeneValues truth, measured, variance;
};

// The first `changed` genes differ by a Gaussian of this many times their noise.
Sample Draw(size_t changed, double times_noise) {
  std::mt19937_64 random(7);
  std::normal_distribution<double> normal;
  Sample sample{GeneValues(0.0, kManyGenes), GeneValues(0.0, kManyGenes),
                GeneValues(0.0, kManyGenes)};
  for (size_t g = 0; g < kManyGenes; ++g) {
    const double noise = 0.01 * (1 + g % 5);
    sample.variance[g] = noise * noise;
    if (g < changed) sample.truth[g] = times_noise * noise * normal(random);
    sample.measured[g] = sample.truth[g] + noise * normal(random);
  }
  return sample;
}

double Squares(const GeneValues& values) { return GeneValues(values * values).sum(); }

const std::vector<bool> kAll(kManyGenes, true);

TEST(Shrinkage, NoiseAloneBecomesAlmostNothing) {
  const Sample sample = Draw(0, 0);
  const GeneValues shrunk = ShrinkToZero(sample.measured, sample.variance, kAll);
  EXPECT_LT(Squares(shrunk), 0.02 * Squares(sample.measured));
  EXPECT_LT(TrustIn(sample.measured, sample.variance), 0.1);
}

TEST(Shrinkage, IsNearerToTheTruthWhetherFewGenesChangeOrAll) {
  for (const auto& [changed, times] :
       std::vector<std::pair<size_t, double>>{{20, 20.0}, {200, 4.0}, {kManyGenes, 1.0}}) {
    const Sample sample = Draw(changed, times);
    const GeneValues shrunk = ShrinkToZero(sample.measured, sample.variance, kAll);
    EXPECT_LT(Squares(shrunk - sample.truth), 0.7 * Squares(sample.measured - sample.truth))
        << changed << " genes";
  }
}

TEST(Shrinkage, KeepsAFewLargeEffectsAmongManyUnchangedGenes) {
  const Sample sample = Draw(5, 100);
  const GeneValues shrunk = ShrinkToZero(sample.measured, sample.variance, kAll);
  for (size_t g = 0; g < 5; ++g) {
    EXPECT_NEAR(shrunk[g], sample.truth[g], 4 * std::sqrt(sample.variance[g]));
  }
}

TEST(Shrinkage, KeepsTheSignAndNeverGrows) {
  const Sample sample = Draw(500, 3);
  const GeneValues shrunk = ShrinkToZero(sample.measured, sample.variance, kAll);
  for (size_t g = 0; g < kManyGenes; ++g) {
    EXPECT_GE(shrunk[g] * sample.measured[g], 0);
    EXPECT_LE(std::abs(shrunk[g]), std::abs(sample.measured[g]));
  }
}

TEST(Shrinkage, GenesWithoutNoiseKeepTheirDifferenceAndSayNothing) {
  GeneValues difference = {0.5, 0.0}, variance = {0.0, 0.0};
  const GeneValues shrunk = ShrinkToZero(difference, variance, {true, true});
  EXPECT_EQ(shrunk[0], 0.5);
  EXPECT_EQ(shrunk[1], 0.0);
}

TEST(Shrinkage, DifferencesFarBeyondEveryComponentStayFinite) {
  const GeneValues shrunk = ShrinkToZero({1e9, 1e-9, -1e9}, {1e-6, 1e-6, 1e-6}, {true, true, true});
  EXPECT_NEAR(shrunk[0], 1e9, 1e6);
  EXPECT_NEAR(shrunk[2], -1e9, 1e6);
  EXPECT_TRUE(std::isfinite(shrunk[1]));
}

TEST(Shrinkage, AMeanThatIsMetHasLessNoiseThanAResponseWhereFewGenesChange) {
  const Sample sample = Draw(20, 20);
  constexpr double kCells = 200;
  const GeneValues half(0.5, kManyGenes), three(3.0, kManyGenes);
  // Each group has half of the sampling variance.
  const GeneValues variance = sample.variance * (kCells / 2);
  const Moments control{kCells, GeneValues(1.0, kManyGenes), variance, half, three};
  const Moments perturbed{kCells, control.mean + sample.measured, variance, half, three};
  const double by_gene = Squares(ShrunkMeanByGene(perturbed, control) - sample.truth);
  EXPECT_LT(by_gene, 0.2 * Squares(ShrunkResponse(perturbed, control).mean - sample.truth));
}

TEST(Shrinkage, TrustGrowsFromNoneToAll) {
  EXPECT_EQ(TrustIn({0.0, 0.0}, {1.0, 1.0}), 0);
  EXPECT_EQ(TrustIn({0.1, 0.1}, {1.0, 1.0}), 0);
  EXPECT_NEAR(TrustIn({10.0, 10.0}, {1.0, 1.0}), 0.99, 1e-12);
}

}  // namespace
}  // namespace unlasting::trainer
