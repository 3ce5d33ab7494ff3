#include "core/evaluate/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace unlasting::evaluate {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr int64_t kLanes = 16;  // floats in the widest vector

// Linear between neighbours, as numpy's default. `sorted` is not empty.
double Quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double part = place - static_cast<double>(below);
  return sorted[below] + part * (sorted[above] - sorted[below]);
}

}  // namespace

Interval::Interval() : low(kNan), high(kNan) {}

Resamples::Resamples(int64_t cells, int count, uint64_t seed)
    : count_(std::max(count, 0)), stride_((count_ + kLanes - 1) / kLanes * kLanes) {
  draws_.assign(cells * stride_, 0.0f);
  const double n = static_cast<double>(cells);
  std::mt19937_64 random(seed);
  for (int b = 0; b < count_; ++b) {
    // Each further draw of a cell adds 2 k + 1 to the square of its k draws.
    double squares = 0;
    for (int64_t k = 0; k < cells; ++k) {
      float& draws = draws_[static_cast<int64_t>(random() % cells) * stride_ + b];
      squares += 2.0 * draws + 1;
      draws += 1;
    }
    pairs_.push_back(n * n - squares);
  }
}

Interval IntervalAround(double score, std::vector<double> resampled) {
  resampled.erase(std::remove_if(resampled.begin(), resampled.end(),
                                 [](double value) { return !std::isfinite(value); }),
                  resampled.end());
  if (resampled.empty() || !std::isfinite(score)) return {};
  std::sort(resampled.begin(), resampled.end());
  const double shift = score - Quantile(resampled, 0.5);
  return {Quantile(resampled, 0.025) + shift, Quantile(resampled, 0.975) + shift};
}

}  // namespace unlasting::evaluate
