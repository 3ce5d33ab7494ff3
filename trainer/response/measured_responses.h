// MeasuredResponses holds what training measured of each condition in each context (cell type),
// drawn towards what is expected without the measurement by its sampling noise (shrinkage.h).
// Refers to the moments, which must outlive it; immutable, so any number of threads may read it.
#pragma once

#include <map>
#include <vector>

#include "trainer/response/condition_moments.h"
#include "trainer/response/context_rule.h"

namespace unlasting::trainer {

class MeasuredResponses {
 public:
  explicit MeasuredResponses(const ConditionMoments& moments);
  // The same, with what `all` already has of the groups that are whole in both; `moments` is a
  // restriction of those of `all`, which is not referred to afterwards.
  MeasuredResponses(const ConditionMoments& moments, const MeasuredResponses& all);

  // The same condition's responses in the contexts other than `type`, and how far they are. What is
  // measured in `type` has no part in them.
  std::vector<MeasuredContext> Elsewhere(int32_t condition, int32_t type) const;

  // The response of a condition in a context: where training measured it, that measurement drawn
  // towards what the other contexts say by `rules`, or towards no change where there are none; else
  // what these say.
  Response In(int32_t condition, int32_t type, const std::vector<WeightedRule>& rules) const;
  // The change of the mean to which answers about cells of this condition in this context are
  // brought where the network alone moves them (ModelConfig::trained_from_control), [N]: shrunk
  // gene by gene where the condition was measured here, else that of In.
  GeneValues MetMeanIn(int32_t condition, int32_t type,
                       const std::vector<WeightedRule>& rules) const;

 private:
  const ConditionMoments& moments_;
  // Drawn towards no change.
  std::map<int32_t, std::map<int32_t, Response>> own_;
};

}  // namespace unlasting::trainer
