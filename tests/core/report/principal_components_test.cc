#include "core/report/principal_components.h"

#include <cmath>
#include <random>

#include "gtest/gtest.h"

namespace unlasting::report {
namespace {

TEST(ComponentsOfTest, FindTheDirectionsOfTheLargestVariances) {
  // Variances 9, 4 and 0.25 along (3, 4) / 5, (-4, 3) / 5 and the third gene.
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  DenseMatrix cells(2000, 3);
  for (int64_t r = 0; r < cells.rows; ++r) {
    const float a = 3 * normal(random), b = 2 * normal(random);
    cells.At(r, 0) = 0.6f * a - 0.8f * b + 7;
    cells.At(r, 1) = 0.8f * a + 0.6f * b;
    cells.At(r, 2) = 0.5f * normal(random);
  }
  const PrincipalComponents found = ComponentsOf(cells);
  EXPECT_NEAR(found.direction[0][0], 0.6, 0.05);
  EXPECT_NEAR(found.direction[0][1], 0.8, 0.05);
  EXPECT_NEAR(std::abs(found.direction[1][0]), 0.8, 0.05);
  EXPECT_NEAR(found.mean[0], 7, 0.2);
  EXPECT_NEAR(found.share[0], 9 / 13.25, 0.03);
  EXPECT_NEAR(found.share[1], 4 / 13.25, 0.03);
  const auto place = found.Project(std::vector<float>{7 + 0.6f, 0.8f, 0});
  EXPECT_NEAR(place[0], 1, 0.25);
}

TEST(ComponentsOfTest, EqualCellsHaveNoDirection) {
  DenseMatrix cells(5, 2);
  std::fill(cells.values.begin(), cells.values.end(), 2.0f);
  const PrincipalComponents found = ComponentsOf(cells);
  EXPECT_EQ(found.share[0], 0);
  EXPECT_EQ(found.Project(cells.Row(0))[0], 0);
}

}  // namespace
}  // namespace unlasting::report
