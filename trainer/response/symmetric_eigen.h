// SymmetricEigen decomposes a real symmetric matrix for the least-squares fits of this room, which
// need its eigenvalues to bound or to drop directions that the data do not determine. No LibTorch.
#pragma once

#include <cstddef>
#include <vector>

namespace unlasting::trainer {

struct SymmetricEigen {
  std::vector<double> values;   // [n], ascending
  std::vector<double> vectors;  // [n, n]; row k is the unit eigenvector of values[k]
};

// `matrix` [n, n] is row-major and symmetric. Eigen's solver: accurate to rounding, in a small
// multiple of n^3 operations.
SymmetricEigen DecomposeSymmetric(std::vector<double> matrix, size_t n);

}  // namespace unlasting::trainer
