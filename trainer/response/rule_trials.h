// MixRules weighs the rules that were tried for contexts in which a condition was not measured by
// how well they predicted the contexts that were left out. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "trainer/response/context_rule.h"

namespace unlasting::trainer {

// A rule with a finish (left_out.h), and the log errors of its responses.
struct RuleTrial {
  ContextRule rule;
  bool meet_means = false;
  std::vector<double> errors;  // one for each group that was left out
  double error = 0;            // their mean
};

struct RuleMixture {
  std::vector<WeightedRule> rules;  // empty where no rule is better than no change
  bool meet_means = false;          // the finish that weighs more
};

// `trials` is not empty.
RuleMixture MixRules(const std::vector<RuleTrial>& trials);
// The mixture as it would be had the context `type` never been seen: the groups left out in it,
// whose contexts `types` names, have no part. That of all where no group remains.
RuleMixture MixRulesWithout(int32_t type, std::vector<RuleTrial> trials,
                            const std::vector<int32_t>& types);

}  // namespace unlasting::trainer
