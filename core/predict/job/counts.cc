#include "core/predict/job/counts.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

#include "core/base/counter_rng.h"

namespace unlasting::predict {
namespace {

// Means up to which counts are found by adding up probabilities, which takes as many steps.
constexpr double kLargestSummed = 64;
// Dispersions below it are a Poisson's, to rounding.
constexpr double kLeastDispersion = 1e-6;
// Expectations so close above 1 are a count of 1.
constexpr double kAboveOne = 1e-6;
constexpr int kNewtonSteps = 50;
constexpr int kTries = 1000;

// Random bits by their number alone, for the distributions of the standard library.
class CounterBits {
 public:
  using result_type = uint64_t;
  explicit CounterBits(uint64_t key) : key_(key) {}
  static constexpr uint64_t min() { return 0; }
  static constexpr uint64_t max() { return std::numeric_limits<uint64_t>::max(); }
  uint64_t operator()() { return diffusion::MixBits(key_ + 0x9e3779b97f4a7c15ull * ++drawn_); }

 private:
  uint64_t key_;
  uint64_t drawn_ = 0;
};

// In (0, 1).
double Uniform(CounterBits* bits) {
  return (static_cast<double>((*bits)() >> 11) + 0.5) * 0x1.0p-53;
}

// The log of the probability that a negative binomial of this mean is 0.
double LogZero(double mean, double dispersion) {
  return dispersion < kLeastDispersion ? -mean : -std::log1p(dispersion * mean) / dispersion;
}

// The mean of the negative binomial that has the mean `expected` where it is not 0; `expected` is
// above 1. f(mean) = mean - expected P(not 0) is convex with roots at 0 and at the mean, so that
// Newton's method comes down to it from above.
double MeanWithZeros(double expected, double dispersion) {
  double mean = expected;
  for (int k = 0; k < kNewtonSteps; ++k) {
    const double log_zero = LogZero(mean, dispersion);
    const double value = mean + expected * std::expm1(log_zero);
    const double slope = 1 - expected * std::exp(log_zero) / (1 + dispersion * mean);
    const double step = value / slope;
    mean -= step;
    if (!(step > 1e-12 * mean)) break;
  }
  return mean;
}

// Adds up the probabilities of 1, 2, ... until they reach a uniform number.
float SumToCount(double mean, double dispersion, CounterBits* bits) {
  const double log_zero = LogZero(mean, dispersion);
  const double not_zero = -std::expm1(log_zero);
  const double spread = 1 + dispersion * mean;
  double left = Uniform(bits) * not_zero;
  double probability = std::exp(log_zero) * mean / spread;
  int count = 1;
  while (left > probability && count < kLargestCount) {
    left -= probability;
    probability *= mean * (1 + dispersion * count) / (spread * (count + 1));
    ++count;
    // Beyond the mean the rest is rounding.
    if (probability < 1e-18 && count > mean) break;
  }
  return static_cast<float>(count);
}

// A Poisson whose mean is drawn from a gamma distribution.
float MixToCount(double mean, double dispersion, CounterBits* bits) {
  for (int k = 0; k < kTries; ++k) {
    double rate = mean;
    if (dispersion >= kLeastDispersion) {
      rate = std::gamma_distribution<double>(1 / dispersion, mean * dispersion)(*bits);
    }
    if (!(rate > 0)) continue;
    const double bounded = std::min(rate, kLargestCount);
    const auto count = std::poisson_distribution<int64_t>(bounded)(*bits);
    if (count > 0) return static_cast<float>(std::min(static_cast<double>(count), kLargestCount));
  }
  return 1;
}

}  // namespace

double ExpectedCount(float log1p, const CountDraw& draw) {
  if (!(log1p > 0)) return 0;
  return std::min(std::expm1(static_cast<double>(log1p)) * draw.scale, kLargestCount);
}

float DrawCount(double expected, double dispersion, uint64_t key) {
  if (!(expected > 0)) return 0;
  CounterBits bits(key);
  if (expected < 1) return Uniform(&bits) < expected ? 1.0f : 0.0f;
  if (expected < 1 + kAboveOne) return 1;
  const double mean = MeanWithZeros(expected, dispersion);
  return mean < kLargestSummed ? SumToCount(mean, dispersion, &bits)
                               : MixToCount(mean, dispersion, &bits);
}

void DrawCounts(absl::Span<const float> log1p, absl::Span<const double> dispersion,
                const CountDraw& draw, absl::Span<const int64_t> columns,
                absl::Span<float> counts) {
  for (size_t k = 0; k < columns.size(); ++k) {
    const int64_t gene = columns[k];
    counts[k] =
        DrawCount(ExpectedCount(log1p[gene], draw), draw.dispersion_share * dispersion[gene],
                  diffusion::MixBits(draw.key ^ static_cast<uint64_t>(gene)));
  }
}

}  // namespace unlasting::predict
