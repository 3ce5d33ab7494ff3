// EncodeStimulus makes what the networks are told of a molecule or a treatment: one vector, in
// training and in serving alike. It holds the molecule's features, then the treatment's, then one
// value for each covariate; what a stimulus does not have is 0. Knockouts have no such vector.
//
// Plain values and pure functions; any thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace unlasting::bundle {

// A number that each molecule and treatment has beside its dose, such as hours. It enters as its
// logarithm, as a dose does, where all values of training are above 0, and as it is otherwise,
// standardised over the training conditions.
struct Covariate {
  std::string name;
  std::string unit;  // as the training file writes it behind the number; "" where it does not
  bool logarithmic = false;
  double mean = 0;       // of the values, or of their log10
  double deviation = 0;  // 0: training knew one value alone, and the answer does not depend on it
  std::vector<double> values;  // of training, ascending, as in the file
};

// The covariate of a name with its statistics over the values of the training conditions, which
// must be finite and at least one.
Covariate FitCovariate(const std::string& name, const std::string& unit,
                       const std::vector<double>& values);

// Where what stands in the vector.
struct StimulusLayout {
  int molecule_features = 0;
  int treatment_features = 0;
  std::vector<Covariate> covariates;

  int64_t size() const {
    return molecule_features + treatment_features + static_cast<int64_t>(covariates.size());
  }
};

enum class StimulusKind { kMolecule, kTreatment };

// The share of a vector's length that a covariate one deviation off its mean adds: two times of one
// drug are farther apart (cosine 0.6 for one deviation to either side) than the rounding at which
// the networks take drugs for the same, and nearer than two treatments.
inline constexpr double kCovariateShare = 0.5;
// Covariates farther out, in deviations, enter as this many: the name still outweighs them.
inline constexpr double kLargestCovariate = 3.0;

// `features` are those of the kind alone. INVALID_ARGUMENT, with reason INVALID_COVARIATE, names
// the covariate that is missing, unknown, not finite, or not above 0 where it enters as its
// logarithm.
absl::StatusOr<std::vector<float>> EncodeStimulus(const StimulusLayout& layout, StimulusKind kind,
                                                  absl::Span<const float> features,
                                                  const std::map<std::string, double>& covariates);

}  // namespace unlasting::bundle
