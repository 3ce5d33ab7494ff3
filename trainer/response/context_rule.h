// ContextRule says how a response that was measured in some contexts (cell types, lines, patients)
// carries over to another one, whose perturbed cells training does not have. Pure functions; any
// thread.
#pragma once

#include <vector>

#include "nlohmann/json.hpp"
#include "trainer/response/condition_moments.h"

namespace unlasting::trainer {

struct ContextRule {
  // The weight of a context is its distance to the power of -`power`.
  double power = 0;
  // How much of the difference between the controls the perturbed cells keep, in the mean and in
  // the logit of the active share: with 1 the change itself carries over, with 0 the perturbed
  // cells would be the same in every context.
  double mean_slope = 1, share_slope = 1;
};

// A mixture of rules: its response is the weighted mean of theirs.
struct WeightedRule {
  ContextRule rule;
  double weight = 1;  // of all rules, in sum 1
};

// As the manifest lists them: [power, mean slope, share slope, weight] each.
nlohmann::json RulesRecord(const std::vector<WeightedRule>& rules);

// A context in which the response was measured.
struct MeasuredContext {
  double distance = 0;  // of its mean control profile from that of the context asked about
  const Moments* control = nullptr;
  Response response;  // shrunk
};

// Euclidean, between mean profiles; never 0, so that it can be divided by.
double ContextDistance(const Moments& a, const Moments& b);

// The response in the context of these control cells. `measured` is not empty.
Response CarryOver(const ContextRule& rule, const Moments& control,
                   const std::vector<MeasuredContext>& measured);
// No rules: no change.
Response CarryOver(const std::vector<WeightedRule>& rules, const Moments& control,
                   const std::vector<MeasuredContext>& measured);

}  // namespace unlasting::trainer
