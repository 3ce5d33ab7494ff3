#include "core/evaluate/principal_components.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <optional>

namespace unlasting::evaluate {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr Index kSmall = 200;     // up to this size all eigenvectors are as cheap as a few
constexpr Index kMaxSteps = 500;  // of Lanczos' iteration
constexpr Index kStepsPerTest = 50;
constexpr double kTolerance = 1e-13;  // of residuals, against the largest eigenvalue

struct Eigenpairs {
  VectorXd values;   // ascending
  MatrixXd vectors;  // a column each
};

Eigenpairs AllOf(const MatrixXd& matrix, Index count) {
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(matrix);
  return {solver.eigenvalues().tail(count), solver.eigenvectors().rightCols(count)};
}

// The tridiagonal matrix that Lanczos' iteration has built after `steps` steps.
Eigen::SelfAdjointEigenSolver<MatrixXd> Ritz(const VectorXd& diagonal, const VectorXd& beside,
                                             Index steps) {
  Eigen::SelfAdjointEigenSolver<MatrixXd> solver;
  solver.computeFromTridiagonal(diagonal.head(steps), beside.head(steps - 1));
  return solver;
}

// Lanczos' iteration with full reorthogonalisation. Nothing where it meets an invariant subspace,
// behind which repeated eigenvalues may hide, or does not converge.
std::optional<Eigenpairs> LargestOf(const MatrixXd& matrix, Index count) {
  const Index n = matrix.rows(), most = std::min(n, kMaxSteps);
  MatrixXd basis(n, most);
  VectorXd diagonal(most), beside(most);
  // Any direction that favours no cell or gene will do.
  VectorXd next(n);
  for (Index k = 0; k < n; ++k) next[k] = 1 + std::sin(static_cast<double>(k * k) + 0.5);
  next.normalize();
  for (Index step = 0; step < most; ++step) {
    basis.col(step) = next;
    next.noalias() = matrix * basis.col(step);
    diagonal[step] = next.dot(basis.col(step));
    const auto known = basis.leftCols(step + 1);
    for (int pass = 0; pass < 2; ++pass) next -= known * (known.transpose() * next).eval();
    beside[step] = next.norm();
    if (!(beside[step] > kTolerance * diagonal.head(step + 1).cwiseAbs().maxCoeff())) return {};
    next /= beside[step];
    const Index steps = step + 1;
    if (steps < 2 * count || (steps % kStepsPerTest != 0 && steps < most)) continue;
    const auto ritz = Ritz(diagonal, beside, steps);
    const auto last = ritz.eigenvectors().bottomRightCorner(1, count);
    const double residual = beside[step] * last.cwiseAbs().maxCoeff();
    if (residual > kTolerance * ritz.eigenvalues()[steps - 1]) continue;
    return Eigenpairs{ritz.eigenvalues().tail(count), known * ritz.eigenvectors().rightCols(count)};
  }
  return {};
}

}  // namespace

MatrixXd PrincipalComponents(const MatrixXd& cells, Index count) {
  const MatrixXd centred = cells.rowwise() - cells.colwise().mean();
  const bool wide = centred.cols() > centred.rows();
  MatrixXd products = MatrixXd::Zero(std::min(centred.rows(), centred.cols()),
                                     std::min(centred.rows(), centred.cols()));
  if (wide) {
    products.selfadjointView<Eigen::Lower>().rankUpdate(centred);
  } else {
    products.selfadjointView<Eigen::Lower>().rankUpdate(centred.transpose());
  }
  products.triangularView<Eigen::StrictlyUpper>() = products.transpose();
  const Index kept = std::min(count, products.rows());
  std::optional<Eigenpairs> largest;
  if (products.rows() > kSmall) largest = LargestOf(products, kept);
  if (!largest) largest = AllOf(products, kept);
  if (!wide) return centred * largest->vectors;
  const VectorXd lengths = largest->values.cwiseMax(0).cwiseSqrt();
  return largest->vectors * lengths.asDiagonal();
}

}  // namespace unlasting::evaluate
