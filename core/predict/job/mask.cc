#include "core/predict/job/mask.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/counter_rng.h"

namespace unlasting::predict {
namespace {

// In [0, 1), by its coordinates alone.
double Uniform(uint64_t seed, uint64_t stream, uint64_t cell, uint64_t gene) {
  using diffusion::MixBits;
  const uint64_t bits = MixBits(MixBits(MixBits(MixBits(seed) ^ stream) ^ cell) ^ gene);
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

int64_t KeptCells(double share, int64_t cells) {
  return std::clamp<int64_t>(std::llround(share * static_cast<double>(cells)), 0, cells);
}

}  // namespace

void KeepTopShare(absl::Span<const double> share, DenseMatrix* values) {
  std::vector<int64_t> order(values->rows);
  for (int64_t g = 0; g < values->cols; ++g) {
    const int64_t kept = KeptCells(share[g], values->rows);
    if (kept == values->rows) continue;
    for (int64_t r = 0; r < values->rows; ++r) order[r] = r;
    std::nth_element(order.begin(), order.begin() + kept, order.end(), [&](int64_t a, int64_t b) {
      const float x = values->At(a, g), y = values->At(b, g);
      return x != y ? x > y : a < b;
    });
    for (auto it = order.begin() + kept; it != order.end(); ++it) values->At(*it, g) = 0.0f;
  }
}

std::vector<float> TopShareThresholds(const DenseMatrix& values, absl::Span<const double> share) {
  std::vector<float> thresholds(values.cols);
  std::vector<float> column(values.rows);
  for (int64_t g = 0; g < values.cols; ++g) {
    const int64_t kept = KeptCells(share[g], values.rows);
    if (kept == 0) {
      thresholds[g] = std::numeric_limits<float>::infinity();
      continue;
    }
    for (int64_t r = 0; r < values.rows; ++r) column[r] = values.At(r, g);
    std::nth_element(column.begin(), column.begin() + (kept - 1), column.end(),
                     std::greater<float>());
    // Every value is kept where all of the panel's are.
    thresholds[g] =
        kept == values.rows ? -std::numeric_limits<float>::infinity() : column[kept - 1];
  }
  return thresholds;
}

void KeepAbove(absl::Span<const float> threshold, DenseMatrix* values) {
  for (int64_t r = 0; r < values->rows; ++r) {
    auto row = values->Row(r);
    for (size_t g = 0; g < row.size(); ++g) {
      if (row[g] < threshold[g]) row[g] = 0.0f;
    }
  }
}

std::vector<double> MeanProbability(const DenseMatrix& probability) {
  std::vector<double> mean(probability.cols, 0.0);
  for (int64_t r = 0; r < probability.rows; ++r) {
    for (int64_t g = 0; g < probability.cols; ++g) mean[g] += probability.At(r, g);
  }
  for (double& m : mean) m /= static_cast<double>(std::max<int64_t>(probability.rows, 1));
  return mean;
}

// M^agg of Appendix A.2.
std::vector<double> PredictedActive(const DenseMatrix& probability, double threshold) {
  std::vector<double> active(probability.cols, 0.0);
  for (int64_t r = 0; r < probability.rows; ++r) {
    for (int64_t g = 0; g < probability.cols; ++g) {
      if (probability.At(r, g) >= threshold) active[g] += 1.0;
    }
  }
  for (double& share : active) share /= static_cast<double>(probability.rows);
  return active;
}

void ApplyMask(MaskMode mode, double threshold, uint64_t seed, uint64_t stream,
               const DenseMatrix& probability, DenseMatrix* values) {
  const std::vector<double> predicted_active = PredictedActive(probability, threshold);
  for (int64_t r = 0; r < values->rows; ++r) {
    auto row = values->Row(r);
    for (int64_t g = 0; g < values->cols; ++g) {
      bool active = true;
      if (mode == MaskMode::kCell) active = probability.At(r, g) >= threshold;
      if (mode == MaskMode::kAggregate) active = predicted_active[g] >= threshold;
      if (mode == MaskMode::kSample) active = Uniform(seed, stream, r, g) < predicted_active[g];
      if (!active) row[g] = 0.0f;
    }
  }
}

}  // namespace unlasting::predict
