// dose.h reads doses with their units. Inside the models a dose is log10 of micromolar.
#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace unlasting {

// `unit` is one of pM, nM, uM (or µM), mM, M; anything else, "" included, is INVALID_ARGUMENT with
// reason INVALID_DOSE, as is a value that is not finite and positive.
absl::StatusOr<double> ToMicromolar(double value, const std::string& unit);

// "0.2uM", "200 nM": a number with its unit, in micromolar.
absl::StatusOr<double> ParseDose(const std::string& text);

}  // namespace unlasting
