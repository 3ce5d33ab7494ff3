// The jackknife's series gives what leaving out every cell in turn gives.
#include "core/evaluate/rules/jackknife.h"

#include <cmath>
#include <random>

#include "gtest/gtest.h"

namespace unlasting::evaluate::rules {
namespace {

// The definition: bulks without each cell, and the spread of them.
double ByDefinition(const std::vector<std::vector<float>>& counts, size_t gene) {
  double total = 0, sum = 0;
  std::vector<double> library;
  for (const auto& cell : counts) {
    library.push_back(0);
    for (const float count : cell) library.back() += count;
    total += library.back();
    sum += cell[gene];
  }
  const double bulk = Bulk(sum, total), n = static_cast<double>(counts.size());
  double shift = 0, square = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    const double v = Bulk(sum - counts[i][gene], total - library[i]) - bulk;
    shift += v;
    square += v * v;
  }
  return (n - 1) / n * (square - shift * shift / n);
}

double BySeries(const std::vector<std::vector<float>>& counts, size_t gene) {
  std::vector<double> library;
  std::vector<Expressed> expressed;
  double sum = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    library.push_back(0);
    for (const float count : counts[i]) library.back() += count;
    if (counts[i][gene] == 0) continue;
    expressed.push_back(MakeExpressed(counts[i][gene], library.back(), static_cast<int32_t>(i)));
    sum += counts[i][gene];
  }
  return Jackknife(library).GeneTerm(sum, expressed);
}

void ExpectSame(const std::vector<std::vector<float>>& counts) {
  for (size_t gene = 0; gene < counts[0].size(); ++gene) {
    const double expected = ByDefinition(counts, gene);
    EXPECT_NEAR(BySeries(counts, gene), expected, 1e-11 * std::max(1.0, expected)) << gene;
  }
}

std::vector<std::vector<float>> Random(int cells, int genes, double mean) {
  std::mt19937_64 random(7);
  std::poisson_distribution<int> poisson(mean);
  std::vector<std::vector<float>> counts(cells, std::vector<float>(genes));
  for (auto& cell : counts) {
    for (float& count : cell) count = static_cast<float>(poisson(random));
  }
  return counts;
}

TEST(JackknifeTest, ManySmallCells) { ExpectSame(Random(300, 20, 0.7)); }

TEST(JackknifeTest, AFewCellsThatEachHoldMuchOfTheGroup) { ExpectSame(Random(3, 20, 2)); }

TEST(JackknifeTest, OneCellThatHoldsMostOfTheGroup) {
  auto counts = Random(50, 20, 0.5);
  for (float& count : counts[3]) count = 1000;
  ExpectSame(counts);
}

TEST(JackknifeTest, OneCellThatHoldsAllCountsOfTheGroup) {
  auto counts = Random(4, 5, 0);
  counts[2] = {3, 0, 1, 0, 9};
  ExpectSame(counts);
}

TEST(JackknifeTest, OneCellOrNoCountsHaveNoNoise) {
  EXPECT_EQ(BySeries(Random(1, 1, 5), 0), 0);
  EXPECT_EQ(BySeries(Random(6, 1, 0), 0), 0);
}

}  // namespace
}  // namespace unlasting::evaluate::rules
