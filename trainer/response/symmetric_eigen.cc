#include "trainer/response/symmetric_eigen.h"

#include <Eigen/Eigenvalues>

namespace unlasting::trainer {

SymmetricEigen DecomposeSymmetric(std::vector<double> matrix, size_t n) {
  SymmetricEigen eigen;
  // Eigen asks for at least one row.
  if (n == 0) return eigen;
  using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto size = static_cast<Eigen::Index>(n);
  const Eigen::Map<const RowMajor> symmetric(matrix.data(), size, size);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(symmetric);
  eigen.values.assign(solver.eigenvalues().data(), solver.eigenvalues().data() + n);
  // Columns of a column-major matrix are rows here.
  eigen.vectors.assign(solver.eigenvectors().data(), solver.eigenvectors().data() + n * n);
  return eigen;
}

}  // namespace unlasting::trainer
