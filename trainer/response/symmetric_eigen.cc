#include "trainer/response/symmetric_eigen.h"

#include <cmath>

namespace unlasting::trainer {
namespace {

// Jacobi's method converges quadratically: a matrix of any size here is diagonal after ten sweeps.
constexpr int kMaxSweeps = 50;

// Rotates rows p and q by the angle of sine s and cosine c.
void RotateRows(double* p, double* q, size_t n, double c, double s) {
  for (size_t k = 0; k < n; ++k) {
    const double a = p[k], b = q[k];
    p[k] = c * a - s * b;
    q[k] = s * a + c * b;
  }
}

double SquaresOffTheDiagonal(const std::vector<double>& matrix, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j < i; ++j) sum += 2 * matrix[i * n + j] * matrix[i * n + j];
  }
  return sum;
}

}  // namespace

SymmetricEigen DecomposeSymmetric(std::vector<double> matrix, size_t n) {
  SymmetricEigen eigen;
  eigen.vectors.assign(n * n, 0.0);
  for (size_t k = 0; k < n; ++k) eigen.vectors[k * n + k] = 1;
  double total = 0;
  for (const double value : matrix) total += value * value;
  for (int sweep = 0; sweep < kMaxSweeps; ++sweep) {
    if (SquaresOffTheDiagonal(matrix, n) <= 1e-30 * total) break;
    for (size_t p = 0; p + 1 < n; ++p) {
      for (size_t q = p + 1; q < n; ++q) {
        const double between = matrix[p * n + q];
        if (between == 0) continue;
        const double theta = (matrix[q * n + q] - matrix[p * n + p]) / (2 * between);
        const double t = std::copysign(1.0, theta) / (std::abs(theta) + std::hypot(theta, 1.0));
        const double c = 1 / std::hypot(t, 1.0), s = t * c;
        RotateRows(&matrix[p * n], &matrix[q * n], n, c, s);
        for (size_t k = 0; k < n; ++k) {
          const double a = matrix[k * n + p], b = matrix[k * n + q];
          matrix[k * n + p] = c * a - s * b;
          matrix[k * n + q] = s * a + c * b;
        }
        matrix[p * n + q] = matrix[q * n + p] = 0;
        RotateRows(&eigen.vectors[p * n], &eigen.vectors[q * n], n, c, s);
      }
    }
  }
  for (size_t k = 0; k < n; ++k) eigen.values.push_back(matrix[k * n + k]);
  return eigen;
}

}  // namespace unlasting::trainer
