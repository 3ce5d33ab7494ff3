#include "core/evaluate/rules/lfc_nmae.h"

#include <cmath>
#include <limits>

namespace unlasting::evaluate::rules {

double LfcNmae(const TestedGenes& chosen, const TestedGenes& truth, const TestedGenes& predicted) {
  const auto change = [](const TestedGenes& side, int64_t gene) {
    const double value = side.log2_fold_change[gene];
    return side.Tested(gene) && std::isfinite(value) ? value : 0.0;
  };
  int64_t genes = 0;
  double error = 0, size = 0;
  for (int64_t g = 0; g < chosen.genes(); ++g) {
    if (!chosen.Significant(g)) continue;
    ++genes;
    error += std::abs(change(predicted, g) - change(truth, g));
    size += std::abs(change(chosen, g));
  }
  if (genes < kMinSignificant || size == 0) return std::numeric_limits<double>::quiet_NaN();
  return error / size;
}

}  // namespace unlasting::evaluate::rules
