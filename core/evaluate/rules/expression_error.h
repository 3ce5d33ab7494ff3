// ExpressionError scores the squared distance of predicted from true pseudobulks with the noise of
// both taken off, over the size of the true effect with its noise taken off.
#pragma once

#include <vector>

#include "core/evaluate/rules/sample_table.h"

namespace unlasting::evaluate::rules {

struct ExpressionErrors {
  // Per target: its terms of the ratio of sums, and the error with the whole noise taken off.
  std::vector<double> capped, distance, uncapped;
  // The noise that the prediction claims, the spread between its targets that can pay for it, and
  // min(1, budget / claim), the share of the noise that is taken off.
  double claim = 0, budget = 0, share = 1;
  double effect = 0;  // of the truth, before its noise is taken off
  double noise = 0;   // of the truth's targets and control
  // Sum of `capped` over the sum of `distance`; NaN where the latter is not above 0.
  double value = 0;
};
ExpressionErrors ExpressionError(const SampleTable& truth, const SampleTable& predicted,
                                 const std::vector<int64_t>& own_gene);

}  // namespace unlasting::evaluate::rules
