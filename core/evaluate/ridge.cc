#include "core/evaluate/ridge.h"

#include <limits>
#include <utility>

namespace unlasting::evaluate {
namespace {

using Rows = std::vector<std::vector<double>>;

constexpr size_t kMinProfiles = 3;
// Of the mean squared length of the features, from nearly interpolating to nearly the mean alone.
constexpr double kPenalties[] = {0.01, 0.1, 0.3, 1, 3, 10, 100};

double Dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
  return sum;
}

void Centre(Rows* rows, std::vector<double>* mean) {
  mean->assign(rows->front().size(), 0.0);
  for (const auto& row : *rows) {
    for (size_t k = 0; k < row.size(); ++k) (*mean)[k] += row[k];
  }
  for (double& value : *mean) value /= static_cast<double>(rows->size());
  for (auto& row : *rows) {
    for (size_t k = 0; k < row.size(); ++k) row[k] -= (*mean)[k];
  }
}

// Gauss and Jordan without pivots: the matrix is symmetric and, by the penalty, positive definite.
Rows Inverse(Rows matrix) {
  const size_t n = matrix.size();
  for (size_t pivot = 0; pivot < n; ++pivot) {
    auto& of_pivot = matrix[pivot];
    const double scale = 1 / of_pivot[pivot];
    of_pivot[pivot] = 1;
    for (double& value : of_pivot) value *= scale;
    for (size_t row = 0; row < n; ++row) {
      if (row == pivot) continue;
      const double factor = std::exchange(matrix[row][pivot], 0.0);
      for (size_t k = 0; k < n; ++k) matrix[row][k] -= factor * of_pivot[k];
    }
  }
  return matrix;
}

Rows Times(const Rows& square, const Rows& rows) {
  Rows product(square.size(), std::vector<double>(rows.front().size()));
  for (size_t i = 0; i < square.size(); ++i) {
    for (size_t j = 0; j < rows.size(); ++j) {
      for (size_t k = 0; k < rows[j].size(); ++k) product[i][k] += square[i][j] * rows[j][k];
    }
  }
  return product;
}

}  // namespace

std::optional<Ridge> Ridge::Fit(Rows features, const Rows& profiles) {
  const size_t n = features.size();
  if (n < kMinProfiles || profiles.size() != n) return std::nullopt;
  Ridge ridge;
  Rows centred = profiles;
  Centre(&features, &ridge.centre_);
  Centre(&centred, &ridge.mean_);
  Rows kernel(n, std::vector<double>(n));
  double spread = 0;
  for (size_t i = 0; i < n; ++i) {
    for (size_t j = 0; j <= i; ++j) kernel[i][j] = kernel[j][i] = Dot(features[i], features[j]);
    spread += kernel[i][i] / static_cast<double>(n);
  }
  if (!(spread > 0)) return std::nullopt;
  double least = std::numeric_limits<double>::infinity();
  for (const double penalty : kPenalties) {
    Rows penalised = kernel;
    for (size_t i = 0; i < n; ++i) penalised[i][i] += penalty * spread;
    const Rows inverse = Inverse(std::move(penalised));
    Rows weights = Times(inverse, centred);
    // What is left of an observation when it is predicted from the others is its weight over its
    // entry in the inverse's diagonal.
    double error = 0;
    for (size_t i = 0; i < n; ++i) {
      error += Dot(weights[i], weights[i]) / (inverse[i][i] * inverse[i][i]);
    }
    if (error >= least) continue;
    least = error;
    ridge.weights_ = std::move(weights);
  }
  ridge.features_ = std::move(features);
  return ridge;
}

std::vector<double> Ridge::Predict(const std::vector<double>& features) const {
  std::vector<double> centred = features;
  for (size_t k = 0; k < centred.size(); ++k) centred[k] -= centre_[k];
  std::vector<double> profile = mean_;
  for (size_t i = 0; i < weights_.size(); ++i) {
    const double similarity = Dot(features_[i], centred);
    for (size_t k = 0; k < profile.size(); ++k) profile[k] += similarity * weights_[i][k];
  }
  return profile;
}

}  // namespace unlasting::evaluate
