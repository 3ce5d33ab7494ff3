#include "core/predict/job/finish.h"

#include <algorithm>

namespace unlasting::predict {

namespace {

std::vector<double> Sums(const DenseMatrix& values) {
  std::vector<double> sum(values.cols, 0.0);
  for (int64_t r = 0; r < values.rows; ++r) {
    const auto row = values.Row(r);
    for (int64_t g = 0; g < values.cols; ++g) sum[g] += std::max(row[g], 0.0f);
  }
  return sum;
}

}  // namespace

std::vector<float> MeanValues(const DenseMatrix& values) {
  std::vector<float> mean;
  for (const double sum : Sums(values)) {
    mean.push_back(static_cast<float>(sum / static_cast<double>(values.rows)));
  }
  return mean;
}

std::vector<float> MeanFactors(const DenseMatrix& values, absl::Span<const float> mean) {
  const std::vector<double> sum = Sums(values);
  std::vector<float> factors(values.cols, 1.0f);
  for (int64_t g = 0; g < values.cols; ++g) {
    if (sum[g] <= 0) continue;
    const double wanted = std::max(mean[g], 0.0f) * static_cast<double>(values.rows);
    factors[g] =
        std::clamp(static_cast<float>(wanted / sum[g]), kLeastMeanFactor, kLargestMeanFactor);
  }
  return factors;
}

void ScaleGenes(absl::Span<const float> factor, DenseMatrix* values) {
  for (int64_t r = 0; r < values->rows; ++r) {
    const auto row = values->Row(r);
    for (size_t g = 0; g < row.size(); ++g) row[g] *= factor[g];
  }
}

}  // namespace unlasting::predict
