#include "core/base/dose.h"

#include <cmath>
#include <map>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "core/base/status.h"

namespace unlasting {

absl::StatusOr<double> ToMicromolar(double value, const std::string& unit) {
  static const auto* const kFactors = new std::map<std::string, double>{
      {"pM", 1e-6},     {"nM", 1e-3}, {"uM", 1.0}, {"\u00b5M", 1.0},
      {"\u03bcM", 1.0}, {"mM", 1e3},  {"M", 1e6}};
  const auto factor = kFactors->find(unit);
  if (factor == kFactors->end()) {
    return WithReason(absl::InvalidArgumentError(absl::StrCat("dose unit: found '", unit,
                                                              "', expected pM, nM, uM, mM or M")),
                      "INVALID_DOSE");
  }
  if (!std::isfinite(value) || value <= 0) {
    return WithReason(
        absl::InvalidArgumentError(absl::StrCat("dose: found ", value, ", expected above 0")),
        "INVALID_DOSE");
  }
  return value * factor->second;
}

absl::StatusOr<double> ParseDose(const std::string& text) {
  const std::string trimmed(absl::StripAsciiWhitespace(text));
  // The unit is what follows the last digit or point.
  const size_t last_digit = trimmed.find_last_of("0123456789.");
  const size_t split = last_digit == std::string::npos ? 0 : last_digit + 1;
  double value = 0;
  if (!absl::SimpleAtod(trimmed.substr(0, split), &value)) {
    return WithReason(absl::InvalidArgumentError(absl::StrCat(
                          "dose: found '", text, "', expected a number and a unit as in 0.2uM")),
                      "INVALID_DOSE");
  }
  return ToMicromolar(value, std::string(absl::StripAsciiWhitespace(trimmed.substr(split))));
}

}  // namespace unlasting
