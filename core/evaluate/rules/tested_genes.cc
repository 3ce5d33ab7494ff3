#include "core/evaluate/rules/tested_genes.h"

#include <limits>

#include "core/evaluate/multiple_testing.h"

namespace unlasting::evaluate::rules {

TestedGenes::TestedGenes(const SampleTable& table, int64_t target, int64_t own_gene)
    : log2_fold_change(table.FoldChanges(target)), p_value(table.PValues(target)) {
  std::vector<double> p;
  std::vector<int64_t> columns;
  for (int64_t g = 0; g < table.genes; ++g) {
    if (table.tested[g] == 0 || !(p_value[g] == p_value[g])) continue;
    p.push_back(p_value[g]);
    columns.push_back(g);
  }
  const std::vector<double> adjusted = BenjaminiHochberg(p);
  p_adjusted.assign(table.genes, std::numeric_limits<double>::quiet_NaN());
  for (size_t k = 0; k < columns.size(); ++k) {
    if (columns[k] != own_gene) p_adjusted[columns[k]] = adjusted[k];
  }
}

int64_t TestedGenes::CountSignificant() const {
  int64_t count = 0;
  for (int64_t g = 0; g < genes(); ++g) count += Significant(g) ? 1 : 0;
  return count;
}

bool HasDirection(const TestedGenes& truth, const TestedGenes& predicted, int64_t gene) {
  return truth.Tested(gene) && predicted.Tested(gene) && truth.log2_fold_change[gene] != 0;
}

bool SameDirection(const TestedGenes& truth, const TestedGenes& predicted, int64_t gene) {
  const double a = truth.log2_fold_change[gene], b = predicted.log2_fold_change[gene];
  return HasDirection(truth, predicted, gene) && b != 0 && (a > 0) == (b > 0);
}

}  // namespace unlasting::evaluate::rules
