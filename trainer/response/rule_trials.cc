#include "trainer/response/rule_trials.h"

#include <algorithm>
#include <cmath>

namespace unlasting::trainer {
namespace {

// A rule counts e-fold less for each kTemperature by which its mean log error is greater than the
// best's. A mixture is steadier than the best of many rules that few left-out contexts tell apart;
// with half or twice the temperature the mean over five contexts moved by about two in a hundred.
constexpr double kTemperature = 0.1;

}  // namespace

RuleMixture MixRules(const std::vector<RuleTrial>& trials) {
  const auto less = [](const RuleTrial& a, const RuleTrial& b) { return a.error < b.error; };
  const double best = std::min_element(trials.begin(), trials.end(), less)->error;
  const auto weight_of = [best](const RuleTrial& one) {
    return std::exp((best - one.error) / kTemperature);
  };
  double weight[2] = {0, 0};
  for (const RuleTrial& one : trials) weight[one.meet_means] += weight_of(one);
  RuleMixture mixture;
  mixture.meet_means = weight[1] > weight[0];
  // At best no better than no change.
  if (best >= 0) return mixture;
  for (const RuleTrial& one : trials) {
    if (one.meet_means != mixture.meet_means) continue;
    mixture.rules.push_back({one.rule, weight_of(one) / weight[one.meet_means]});
  }
  return mixture;
}

RuleMixture MixRulesWithout(int32_t type, std::vector<RuleTrial> trials,
                            const std::vector<int32_t>& types) {
  const auto remaining =
      static_cast<int64_t>(types.size()) - std::count(types.begin(), types.end(), type);
  if (remaining == 0) return MixRules(trials);
  for (RuleTrial& trial : trials) {
    trial.error = 0;
    for (size_t k = 0; k < types.size(); ++k) {
      if (types[k] != type) trial.error += trial.errors[k] / static_cast<double>(remaining);
    }
  }
  return MixRules(trials);
}

}  // namespace unlasting::trainer
