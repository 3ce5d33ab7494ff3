#include "core/evaluate/rules/direction_reach.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace unlasting::evaluate::rules {

Reach DirectionReach(const TestedGenes& truth, const TestedGenes& predicted,
                     const std::vector<std::string>& genes) {
  std::vector<int64_t> ranked;
  for (int64_t g = 0; g < truth.genes(); ++g) {
    if (truth.Significant(g) && HasDirection(truth, predicted, g)) ranked.push_back(g);
  }
  // Adjusted p values have plateaus, which p and then the size of the change resolve.
  const auto before = [&](int64_t a, int64_t b) {
    const bool called_a = predicted.Significant(a), called_b = predicted.Significant(b);
    if (called_a != called_b) return called_a;
    if (predicted.p_adjusted[a] != predicted.p_adjusted[b]) {
      return predicted.p_adjusted[a] < predicted.p_adjusted[b];
    }
    if (predicted.p_value[a] != predicted.p_value[b]) {
      return predicted.p_value[a] < predicted.p_value[b];
    }
    const double size_a = std::abs(predicted.log2_fold_change[a]);
    const double size_b = std::abs(predicted.log2_fold_change[b]);
    return size_a != size_b ? size_a > size_b : genes[a] < genes[b];
  };
  std::sort(ranked.begin(), ranked.end(), before);
  Reach reach;
  double hits = 0;
  for (size_t k = 0; k < ranked.size(); ++k) {
    hits += SameDirection(truth, predicted, ranked[k]) ? 1 : 0;
    const auto depth = static_cast<int64_t>(k + 1);
    if (hits / static_cast<double>(depth) >= kReachPurity) reach.depth = depth;
  }
  const int64_t confident = truth.CountSignificant();
  reach.value = confident > 0 ? static_cast<double>(reach.depth) / static_cast<double>(confident)
                              : std::numeric_limits<double>::quiet_NaN();
  return reach;
}

}  // namespace unlasting::evaluate::rules
