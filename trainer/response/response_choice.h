// ChooseResponse decides how expected responses are made and finished, by what predicts best the
// training cells that it leaves out: whole contexts where the model will be asked for contexts in
// which a condition was not measured, else half of the cells of each condition.
#pragma once

#include <cstdint>
#include <vector>

#include "nlohmann/json.hpp"
#include "trainer/data/training_data.h"
#include "trainer/response/context_rule.h"
#include "trainer/response/left_out.h"
#include "trainer/response/measured_responses.h"
#include "trainer/response/rule_trials.h"

namespace unlasting::trainer {

struct ResponseChoice {
  // For contexts in which a condition was not measured; empty: no change is expected there.
  std::vector<WeightedRule> rules;
  Finish finish;
  // What was tried on contexts that were left out, and the contexts (cell types) of its groups;
  // empty where none could be.
  std::vector<RuleTrial> trials;
  std::vector<int32_t> trial_types;
  // What was left out, the errors of what was tried, and the choice, for the manifest.
  nlohmann::json record;
};

// Same data and seed: same choice, whatever the number of threads.
ResponseChoice ChooseResponse(const TrainingData& data, const ConditionMoments& moments,
                              const MeasuredResponses& measured, uint64_t seed, int threads);

}  // namespace unlasting::trainer
