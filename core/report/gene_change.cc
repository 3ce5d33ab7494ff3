#include "core/report/gene_change.h"

#include <cmath>

namespace unlasting::report {

ChangeCount CountChanges(const std::vector<GeneChange>& genes) {
  ChangeCount count;
  for (const GeneChange& gene : genes) {
    const double change = gene.mean - gene.control_mean;
    count.length += change * change;
    if (std::isnan(gene.p_adjusted)) continue;
    ++count.tested;
    if (gene.p_adjusted < kSignificant) ++(change > 0 ? count.up : count.down);
  }
  count.length = std::sqrt(count.length);
  return count;
}

}  // namespace unlasting::report
