#include "core/evaluate/rules/direction_fidelity.h"

#include <algorithm>
#include <limits>

namespace unlasting::evaluate::rules {

Fidelity DirectionFidelity(const TestedGenes& truth, const TestedGenes& predicted) {
  Fidelity result;
  result.confident = truth.CountSignificant();
  for (int64_t g = 0; g < truth.genes(); ++g) {
    if (!predicted.Significant(g) || !HasDirection(truth, predicted, g)) continue;
    ++result.predicted;
    result.agreeing += SameDirection(truth, predicted, g) ? 1 : 0;
  }
  const int64_t most = std::max(result.predicted, result.confident);
  result.value = most > 0 ? static_cast<double>(result.agreeing) / static_cast<double>(most)
                          : std::numeric_limits<double>::quiet_NaN();
  return result;
}

}  // namespace unlasting::evaluate::rules
