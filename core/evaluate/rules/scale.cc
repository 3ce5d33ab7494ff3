#include "core/evaluate/rules/scale.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "absl/strings/str_format.h"

namespace unlasting::evaluate::rules {
namespace {

constexpr double kWorstNmae = -6;

}  // namespace

const std::vector<std::string>& Members() {
  static const auto* const members =
      new std::vector<std::string>{kPds, kExpression, kFidelity, kReach, kJaccard, kNmae};
  return *members;
}

bool LowerIsBetter(const std::string& member) { return member == kExpression || member == kNmae; }

double Scaled(const std::string& member, double value, double b, double r, std::string* why) {
  const bool lower = LowerIsBetter(member);
  if (!std::isfinite(b) || !std::isfinite(r)) {
    *why = std::isfinite(b) ? "the replicate's value (r) is not defined"
                            : "the mean response's value (b) is not defined";
    return std::numeric_limits<double>::quiet_NaN();
  }
  const double range = lower ? b - r : r - b;
  if (!(range > 0)) {
    *why = absl::StrFormat(
        "a replicate (r = %.4g) is no better than the mean response (b = %.4g), so there is no "
        "scale between them",
        r, b);
    return std::numeric_limits<double>::quiet_NaN();
  }
  if (!lower) return ((std::isfinite(value) ? value : 0) - b) / range;
  const bool expression = member == kExpression;
  if (!std::isfinite(value)) return expression ? 0 : kWorstNmae;
  const double scaled = 1 - (value - r) / range;
  return expression ? std::clamp(scaled, 0.0, 1.0) : std::max(kWorstNmae, scaled);
}

}  // namespace unlasting::evaluate::rules
