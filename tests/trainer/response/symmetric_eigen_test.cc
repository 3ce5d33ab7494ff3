#include "trainer/response/symmetric_eigen.h"

#include <algorithm>
#include <random>
#include <vector>

#include "gtest/gtest.h"

namespace unlasting::trainer {
namespace {

std::vector<double> RandomSymmetric(size_t n, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::normal_distribution<double> normal;
  std::vector<double> matrix(n * n);
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j <= i; ++j) matrix[i * n + j] = matrix[j * n + i] = normal(random);
  }
  return matrix;
}

TEST(SymmetricEigenTest, VectorsAreOrthonormalAndGiveTheMatrixBack) {
  for (const size_t n : {1u, 2u, 7u, 64u}) {
    const std::vector<double> matrix = RandomSymmetric(n, n);
    const SymmetricEigen eigen = DecomposeSymmetric(matrix, n);
    ASSERT_EQ(eigen.values.size(), n);
    ASSERT_EQ(eigen.vectors.size(), n * n);
    for (size_t i = 0; i < n; ++i) {
      for (size_t j = 0; j < n; ++j) {
        double product = 0, entry = 0;
        for (size_t k = 0; k < n; ++k) {
          product += eigen.vectors[i * n + k] * eigen.vectors[j * n + k];
          entry += eigen.values[k] * eigen.vectors[k * n + i] * eigen.vectors[k * n + j];
        }
        EXPECT_NEAR(product, i == j ? 1 : 0, 1e-12) << n;
        EXPECT_NEAR(entry, matrix[i * n + j], 1e-12 * static_cast<double>(n)) << n;
      }
    }
  }
}

TEST(SymmetricEigenTest, SingularAndZeroMatricesHaveZeroEigenvalues) {
  SymmetricEigen ones = DecomposeSymmetric(std::vector<double>(9, 1.0), 3);
  std::sort(ones.values.begin(), ones.values.end());
  EXPECT_NEAR(ones.values[0], 0, 1e-14);
  EXPECT_NEAR(ones.values[1], 0, 1e-14);
  EXPECT_NEAR(ones.values[2], 3, 1e-14);
  EXPECT_EQ(DecomposeSymmetric(std::vector<double>(4, 0.0), 2).values, (std::vector<double>{0, 0}));
  EXPECT_TRUE(DecomposeSymmetric({}, 0).values.empty());
}

}  // namespace
}  // namespace unlasting::trainer
