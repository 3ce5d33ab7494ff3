#include "trainer/response/context_rule.h"

#include <algorithm>
#include <cmath>

namespace unlasting::trainer {

nlohmann::json RulesRecord(const std::vector<WeightedRule>& rules) {
  nlohmann::json record = nlohmann::json::array();
  for (const auto& [rule, weight] : rules) {
    record.push_back({rule.power, rule.mean_slope, rule.share_slope, weight});
  }
  return record;
}

double ContextDistance(const Moments& a, const Moments& b) {
  const GeneValues difference = a.mean - b.mean;
  return std::sqrt(GeneValues(difference * difference).sum()) + 1e-9;
}

Response CarryOver(const ContextRule& rule, const Moments& control,
                   const std::vector<MeasuredContext>& measured) {
  double nearest = measured.front().distance;
  for (const MeasuredContext& context : measured) nearest = std::min(nearest, context.distance);
  const GeneValues logit = LogitOf(control.share);
  Response response = ZeroResponse(static_cast<int64_t>(control.mean.size()));
  double total = 0;
  for (const MeasuredContext& context : measured) {
    const double weight = std::pow(nearest / context.distance, rule.power);
    Response here = context.response;
    here.mean += (rule.mean_slope - 1) * (control.mean - context.control->mean);
    here.active_logit += (rule.share_slope - 1) * (logit - LogitOf(context.control->share));
    response += (here *= weight);
    total += weight;
  }
  return response *= 1 / total;
}

Response CarryOver(const std::vector<WeightedRule>& rules, const Moments& control,
                   const std::vector<MeasuredContext>& measured) {
  Response response = ZeroResponse(static_cast<int64_t>(control.mean.size()));
  for (const auto& [rule, weight] : rules) {
    Response one = CarryOver(rule, control, measured);
    response += (one *= weight);
  }
  return response;
}

}  // namespace unlasting::trainer
