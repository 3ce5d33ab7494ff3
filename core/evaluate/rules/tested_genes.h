// TestedGenes is one perturbation's table of differential expression as the members of a rule read
// it: adjusted over all tested genes, then without the perturbation's own gene.
#pragma once

#include <vector>

#include "core/evaluate/rules/sample_table.h"

namespace unlasting::evaluate::rules {

constexpr double kSignificance = 0.05;

// Vectors over all genes; NaN where a gene is not tested or is the perturbation's own.
struct TestedGenes {
  absl::Span<const double> log2_fold_change;
  absl::Span<const double> p_value;
  std::vector<double> p_adjusted;

  // The own gene counts in the adjustment. `own_gene` is -1 where the perturbation has none. The
  // table must outlive the object.
  TestedGenes(const SampleTable& table, int64_t target, int64_t own_gene);

  bool Tested(int64_t gene) const { return p_adjusted[gene] == p_adjusted[gene]; }
  bool Significant(int64_t gene) const { return p_adjusted[gene] < kSignificance; }
  int64_t CountSignificant() const;
  int64_t genes() const { return static_cast<int64_t>(p_adjusted.size()); }
};

// Whether the two sides agree on the direction of a gene that the truth says has one.
bool HasDirection(const TestedGenes& truth, const TestedGenes& predicted, int64_t gene);
bool SameDirection(const TestedGenes& truth, const TestedGenes& predicted, int64_t gene);

}  // namespace unlasting::evaluate::rules
