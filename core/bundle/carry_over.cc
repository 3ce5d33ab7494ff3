#include "core/bundle/carry_over.h"

#include <cmath>

#include "core/base/status.h"

namespace unlasting::bundle {
namespace {

using model::CarryOverRule;

// Powers and slopes beyond it overflow where contexts differ.
constexpr double kLargest = 100;
constexpr double kRounding = 1e-3;

absl::Status Malformed() {
  return absl::InvalidArgumentError(
      "response.rules: expected a list of [power, mean slope, share slope, weight], numbers of 0 "
      "to "
      "100 whose weights sum to 1, or an empty list");
}

}  // namespace

absl::StatusOr<std::vector<CarryOverRule>> ReadCarryOver(const nlohmann::json& response) {
  std::vector<CarryOverRule> rules;
  try {
    if (!response.is_object()) return std::vector<CarryOverRule>{CarryOverRule()};
    if (!response.contains("rules")) {
      if (response.value("no_change", false)) return rules;
      return std::vector<CarryOverRule>{{response.value("power", 0.0),
                                         response.value("mean_slope", 1.0),
                                         response.value("share_slope", 1.0), 1.0}};
    }
    double sum = 0;
    for (const nlohmann::json& rule : response.at("rules")) {
      if (rule.size() != 4) return Malformed();
      rules.push_back({rule.at(0), rule.at(1), rule.at(2), rule.at(3)});
      for (const double value : rule) {
        if (!(value >= 0 && value <= kLargest)) return Malformed();
      }
      sum += rules.back().weight;
    }
    if (!rules.empty() && !(std::abs(sum - 1) < kRounding)) return Malformed();
    return rules;
  } catch (const nlohmann::json::exception&) {
    return Malformed();
  }
}

}  // namespace unlasting::bundle
