#include "core/evaluate/rules/sig_jaccard.h"

namespace unlasting::evaluate::rules {

double SigJaccard(const TestedGenes& truth, const TestedGenes& predicted) {
  double both = 0, either = 0;
  for (int64_t g = 0; g < truth.genes(); ++g) {
    const bool a = truth.Significant(g), b = predicted.Significant(g);
    both += a && b ? 1 : 0;
    either += a || b ? 1 : 0;
  }
  return either > 0 ? both / either : 1;
}

}  // namespace unlasting::evaluate::rules
