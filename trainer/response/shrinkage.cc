#include "trainer/response/shrinkage.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace unlasting::trainer {
namespace {

// Variances of the components, as multiples of the sampling variance.
constexpr std::array<double, 12> kScales = {0, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1e3, 1e4, 1e5};
constexpr int kRounds = 60;
// Active cells in either group, at the size of the perturbed one.
constexpr double kTellingCells = 5;
// Added to each weight's sum, so that no component is lost to rounding.
constexpr double kLeastGenes = 1e-6;

using Weights = std::array<double, kScales.size()>;

// Density of a standardised difference under each component, but for a common factor.
Weights Densities(double squared) {
  Weights densities;
  // Relative to the widest component, under which no density is 0.
  const double widest = squared / (1 + kScales.back());
  for (size_t k = 0; k < kScales.size(); ++k) {
    const double variance = 1 + kScales[k];
    densities[k] = std::exp(-0.5 * (squared / variance - widest)) / std::sqrt(variance);
  }
  return densities;
}

Weights Fit(const std::vector<Weights>& densities) {
  Weights weights;
  weights.fill(1.0 / static_cast<double>(kScales.size()));
  for (int round = 0; round < kRounds; ++round) {
    Weights sums;
    sums.fill(kLeastGenes);
    for (const Weights& density : densities) {
      double total = 0;
      for (size_t k = 0; k < weights.size(); ++k) total += weights[k] * density[k];
      for (size_t k = 0; k < weights.size(); ++k) sums[k] += weights[k] * density[k] / total;
    }
    double all = 0;
    for (const double sum : sums) all += sum;
    for (size_t k = 0; k < weights.size(); ++k) weights[k] = sums[k] / all;
  }
  return weights;
}

}  // namespace

GeneValues ShrinkToZero(const GeneValues& difference, const GeneValues& variance,
                        const std::vector<bool>& telling) {
  GeneValues shrunk = difference;
  std::vector<Weights> densities;
  for (size_t g = 0; g < difference.size(); ++g) {
    if (!telling[g] || !(variance[g] > 0)) continue;
    densities.push_back(Densities(difference[g] * difference[g] / variance[g]));
  }
  const Weights weights = Fit(densities);
  for (size_t g = 0; g < difference.size(); ++g) {
    if (!(variance[g] > 0)) continue;
    const Weights density = Densities(difference[g] * difference[g] / variance[g]);
    double total = 0, kept = 0;
    for (size_t k = 0; k < weights.size(); ++k) {
      const double responsibility = weights[k] * density[k];
      total += responsibility;
      kept += responsibility * kScales[k] / (1 + kScales[k]);
    }
    shrunk[g] *= kept / total;
  }
  return shrunk;
}

double TrustIn(const GeneValues& difference, const GeneValues& variance) {
  const double squares = GeneValues(difference * difference).sum();
  return squares > 0 ? std::max(0.0, 1 - variance.sum() / squares) : 0.0;
}

std::vector<bool> TellingGenes(const Moments& perturbed, const Moments& control) {
  std::vector<bool> telling(perturbed.share.size());
  for (size_t g = 0; g < telling.size(); ++g) {
    telling[g] = std::max(perturbed.share[g], control.share[g]) * perturbed.cells >= kTellingCells;
  }
  return telling;
}

Response ShrunkResponse(const Moments& perturbed, const Moments& control) {
  const Response zero = ZeroResponse(static_cast<int64_t>(control.mean.size()));
  return ShrunkResponse(perturbed, control, zero, zero);
}

Response ShrunkResponse(const Moments& perturbed, const Moments& control, const Response& expected,
                        const Response& expected_noise) {
  const Response difference = ResponseOf(perturbed, control) - expected;
  Response noise = ResponseNoise(perturbed, control);
  noise += expected_noise;
  const std::vector<bool> telling = TellingGenes(perturbed, control);
  const double trust = TrustIn(difference.mean, noise.mean);
  const GeneValues mean =
      trust * difference.mean + (1 - trust) * ShrinkToZero(difference.mean, noise.mean, telling);
  Response shrunk = expected;
  return shrunk += {mean, ShrinkToZero(difference.log_variance, noise.log_variance, telling),
                    ShrinkToZero(difference.active_logit, noise.active_logit, telling)};
}

GeneValues ShrunkMeanByGene(const Moments& perturbed, const Moments& control) {
  return ShrinkToZero(ResponseOf(perturbed, control).mean, ResponseNoise(perturbed, control).mean,
                      TellingGenes(perturbed, control));
}

}  // namespace unlasting::trainer
