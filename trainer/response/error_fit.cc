#include "trainer/response/error_fit.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>
#include <utility>

namespace unlasting::trainer {
namespace {

using bundle::KindOfError;
using Features = KindOfError::Features;
constexpr size_t kFeatures = KindOfError::kFeatures;

// E-distances below this are none, whatever the errors of a kind are.
constexpr double kLeastScale = 1e-6;
// Penalties on the squared weights, per error, from which leaving out chooses; the largest leaves
// the intercept alone.
constexpr double kPenalties[] = {0.03, 0.1, 0.3, 1, 3, 1e9};
constexpr int kSweeps = 100;
// Shares of the predicted cells' deviation and of the change by which a gene's mean may be wrong.
constexpr double kSpreads[] = {0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8};
constexpr double kChanges[] = {0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0};
constexpr double kDegrees = 4;  // of freedom
// Genes of one error that take part in the choice of the two shares.
constexpr size_t kMaxGenes = 1000;

struct Example {
  Features features;
  double value = 0;  // asinh(E-distance / scale)
};

// A quarter of the magnitudes lie below.
double ScaleOf(const std::vector<const LeftOutError*>& errors) {
  std::vector<double> magnitudes;
  for (const LeftOutError* error : errors) magnitudes.push_back(std::abs(error->e_distance));
  const auto quarter = magnitudes.begin() + static_cast<int64_t>(magnitudes.size() / 4);
  std::nth_element(magnitudes.begin(), quarter, magnitudes.end());
  return std::max(*quarter, kLeastScale);
}

// Fits intercept and weights, with the mean and the deviation of the features, to all examples but
// `without` (none: their count), by coordinate descent.
void Fit(const std::vector<Example>& examples, size_t without, double penalty, KindOfError* kind) {
  const double n = static_cast<double>(examples.size()) - (without < examples.size() ? 1 : 0);
  kind->mean = kind->deviation = kind->weight = {};
  kind->intercept = 0;
  const auto each = [&](const auto& visit) {
    for (size_t k = 0; k < examples.size(); ++k) {
      if (k != without) visit(examples[k]);
    }
  };
  each([&](const Example& one) {
    kind->intercept += one.value / n;
    for (size_t f = 0; f < kFeatures; ++f) kind->mean[f] += one.features[f] / n;
  });
  each([&](const Example& one) {
    for (size_t f = 0; f < kFeatures; ++f) {
      const double apart = one.features[f] - kind->mean[f];
      kind->deviation[f] += apart * apart / n;
    }
  });
  for (double& deviation : kind->deviation) {
    deviation = std::sqrt(deviation);
    if (deviation < 1e-9) deviation = 0;
  }
  double products[kFeatures][kFeatures] = {}, with_value[kFeatures] = {};
  each([&](const Example& one) {
    double z[kFeatures] = {};
    for (size_t f = 0; f < kFeatures; ++f) {
      if (kind->deviation[f] > 0) z[f] = (one.features[f] - kind->mean[f]) / kind->deviation[f];
    }
    for (size_t f = 0; f < kFeatures; ++f) {
      with_value[f] += z[f] * (one.value - kind->intercept) / n;
      for (size_t g = 0; g < kFeatures; ++g) products[f][g] += z[f] * z[g] / n;
    }
  });
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    for (size_t f = 0; f < kFeatures; ++f) {
      if (kind->deviation[f] <= 0) continue;
      double rest = with_value[f];
      for (size_t g = 0; g < kFeatures; ++g) {
        if (g != f) rest -= products[f][g] * kind->weight[g];
      }
      kind->weight[f] = std::max(0.0, rest / (products[f][f] + penalty));
    }
  }
}

// The absolute residual of each example in a fit without it.
std::vector<double> Residuals(const std::vector<Example>& examples, double penalty) {
  std::vector<double> residuals;
  for (size_t k = 0; k < examples.size(); ++k) {
    KindOfError without;
    Fit(examples, k, penalty, &without);
    residuals.push_back(std::abs(examples[k].value - without.At(examples[k].features)));
  }
  return residuals;
}

double SumOf(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

double Scaled(const LeftOutError& error, size_t gene, double spread, double change) {
  KindOfError unit;
  unit.gene_factor = 1;
  unit.gene_spread = spread;
  unit.gene_change = change;
  return bundle::GeneHalfWidth(unit, error.standard_error[gene], error.variance[gene],
                               error.change[gene]);
}

// Under which the errors of the genes are the most likely, were they of Student's t: few genes that
// are far off do not decide.
void ChooseGeneShares(const std::vector<const LeftOutError*>& errors, KindOfError* kind) {
  double best = HUGE_VAL;
  for (const double spread : kSpreads) {
    for (const double change : kChanges) {
      double sum = 0;
      for (const LeftOutError* error : errors) {
        const size_t step = error->error.size() / kMaxGenes + 1;
        for (size_t g = 0; g < error->error.size(); g += step) {
          // Genes that no cell expresses say nothing.
          if (!(error->variance[g] > 0)) continue;
          const double width = std::max(Scaled(*error, g, spread, change), 1e-6);
          const double ratio = error->error[g] / width;
          sum += std::log(width) + 0.5 * (kDegrees + 1) * std::log1p(ratio * ratio / kDegrees);
        }
      }
      if (sum >= best) continue;
      best = sum;
      kind->gene_spread = spread;
      kind->gene_change = change;
    }
  }
}

double GeneFactor(const std::vector<const LeftOutError*>& errors, double level,
                  const KindOfError& kind) {
  std::vector<double> ratios;
  for (const LeftOutError* error : errors) {
    for (size_t g = 0; g < error->error.size(); ++g) {
      const double width = Scaled(*error, g, kind.gene_spread, kind.gene_change);
      // Where both are silent nothing can be missed, and any factor would do.
      if (width <= 0 || (error->error[g] == 0 && error->variance[g] == 0)) continue;
      ratios.push_back(error->error[g] / width);
    }
  }
  if (ratios.empty()) return 0;
  const auto rank =
      std::min(ratios.size() - 1, static_cast<size_t>(level * static_cast<double>(ratios.size())));
  std::nth_element(ratios.begin(), ratios.begin() + static_cast<int64_t>(rank), ratios.end());
  return ratios[rank];
}

KindOfError FitKind(const std::vector<const LeftOutError*>& errors, double level) {
  KindOfError kind;
  kind.left_out = static_cast<int32_t>(errors.size());
  kind.scale = ScaleOf(errors);
  std::vector<Example> examples;
  for (const LeftOutError* error : errors) {
    examples.push_back(
        {bundle::FeaturesOf(error->query), std::asinh(error->e_distance / kind.scale)});
  }
  std::vector<double> residuals = Residuals(examples, std::end(kPenalties)[-1]);
  double penalty = std::end(kPenalties)[-1];
  if (kind.calibrated()) {
    for (const double tried : kPenalties) {
      std::vector<double> other = Residuals(examples, tried);
      if (SumOf(other) >= SumOf(residuals)) continue;
      residuals = std::move(other);
      penalty = tried;
    }
  }
  Fit(examples, examples.size(), penalty, &kind);
  if (!kind.calibrated()) return kind;
  const auto rank =
      static_cast<size_t>(std::ceil(level * static_cast<double>(residuals.size() + 1) - 1e-9));
  std::sort(residuals.begin(), residuals.end());
  kind.half_width = residuals[std::min(rank, residuals.size()) - 1];
  ChooseGeneShares(errors, &kind);
  kind.gene_factor = GeneFactor(errors, level, kind);
  return kind;
}

}  // namespace

std::map<std::string, KindOfError> FitErrorModel(const std::vector<LeftOutError>& errors,
                                                 double level) {
  std::map<std::string, std::vector<const LeftOutError*>> by_kind;
  for (const LeftOutError& error : errors) by_kind[error.query.kind].push_back(&error);
  std::map<std::string, KindOfError> kinds;
  for (const auto& [kind, those] : by_kind) kinds.emplace(kind, FitKind(those, level));
  return kinds;
}

bundle::ErrorModel MakeErrorModel(const TrainingData& data, const ResponseChoice& choice,
                                  const grn::Graph& graph, const LeaveOutOptions& options) {
  const ConditionMoments moments(data);
  bundle::ErrorModel model;
  model.kinds =
      FitErrorModel(LeaveOutForErrors(data, moments, choice, graph, options), model.level);
  model.conditions = ErrorConditions(data, moments);
  return model;
}

}  // namespace unlasting::trainer
