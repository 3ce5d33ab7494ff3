#include "core/bundle/stimulus.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "core/base/status.h"

namespace unlasting::bundle {
namespace {

absl::Status Invalid(const std::string& message) {
  return WithReason(absl::InvalidArgumentError(message), "INVALID_COVARIATE");
}

std::string NamesOf(const std::vector<Covariate>& covariates) {
  return absl::StrJoin(covariates, ", ", [](std::string* out, const Covariate& covariate) {
    absl::StrAppend(out, covariate.name);
  });
}

// In deviations from the mean of training.
absl::StatusOr<double> Standardised(const Covariate& covariate, double value) {
  if (!std::isfinite(value) || (covariate.logarithmic && value <= 0)) {
    return Invalid(absl::StrCat("covariate '", covariate.name, "': found ", value, ", expected a ",
                                covariate.logarithmic ? "number above 0" : "finite number"));
  }
  if (covariate.deviation <= 0) return 0.0;
  const double scaled = covariate.logarithmic ? std::log10(value) : value;
  return std::clamp((scaled - covariate.mean) / covariate.deviation, -kLargestCovariate,
                    kLargestCovariate);
}

}  // namespace

Covariate FitCovariate(const std::string& name, const std::string& unit,
                       const std::vector<double>& values) {
  Covariate covariate;
  covariate.name = name;
  covariate.unit = unit;
  covariate.logarithmic =
      std::all_of(values.begin(), values.end(), [](double value) { return value > 0; });
  covariate.values = values;
  std::sort(covariate.values.begin(), covariate.values.end());
  const auto scaled = [&](double value) {
    return covariate.logarithmic ? std::log10(value) : value;
  };
  // In ascending order, so that the order of a file's cells does not show in the last bits.
  for (const double value : covariate.values) covariate.mean += scaled(value);
  covariate.mean /= static_cast<double>(values.size());
  double squares = 0;
  for (const double value : covariate.values) {
    squares += std::pow(scaled(value) - covariate.mean, 2);
  }
  covariate.values.erase(std::unique(covariate.values.begin(), covariate.values.end()),
                         covariate.values.end());
  if (covariate.values.size() > 1) {
    covariate.deviation = std::sqrt(squares / static_cast<double>(values.size()));
  }
  return covariate;
}

absl::StatusOr<std::vector<float>> EncodeStimulus(const StimulusLayout& layout, StimulusKind kind,
                                                  absl::Span<const float> features,
                                                  const std::map<std::string, double>& covariates) {
  for (const auto& [name, unused] : covariates) {
    const bool known =
        std::any_of(layout.covariates.begin(), layout.covariates.end(),
                    [&name = name](const Covariate& each) { return each.name == name; });
    if (known) continue;
    return Invalid(absl::StrCat("covariate '", name, "': the model was trained ",
                                layout.covariates.empty()
                                    ? "without covariates"
                                    : absl::StrCat("with ", NamesOf(layout.covariates))));
  }
  const bool treatment = kind == StimulusKind::kTreatment;
  const int expected = treatment ? layout.treatment_features : layout.molecule_features;
  if (static_cast<int64_t>(features.size()) != expected) {
    return WithReason(absl::InvalidArgumentError(absl::StrCat("found ", features.size(),
                                                              " features, expected ", expected)),
                      "EMBEDDING_LENGTH");
  }
  std::vector<float> vector(layout.size(), 0.0f);
  std::copy(features.begin(), features.end(),
            vector.begin() + (treatment ? layout.molecule_features : 0));
  double squares = 0;
  for (const float value : features) squares += static_cast<double>(value) * value;
  // Relative to the length of the features, so that one covariate weighs alike for each drug.
  const double scale = kCovariateShare * std::sqrt(squares);
  int64_t at = layout.molecule_features + layout.treatment_features;
  for (const Covariate& covariate : layout.covariates) {
    const auto given = covariates.find(covariate.name);
    if (given == covariates.end()) {
      return Invalid(absl::StrCat("covariate '", covariate.name, "': found none, expected ",
                                  covariate.unit.empty() ? "a number" : covariate.unit,
                                  " as in training (", absl::StrJoin(covariate.values, ", "), ")"));
    }
    UNLASTING_ASSIGN_OR_RETURN(const double units, Standardised(covariate, given->second));
    vector[at++] = static_cast<float>(scale * units);
  }
  return vector;
}

}  // namespace unlasting::bundle
