// These functions test the differential expression of one group of cells against another, as
// scanpy's rank_genes_groups does.
#pragma once

#include <vector>

#include "core/base/matrix.h"

namespace unlasting::evaluate {

enum class Test {
  kWelch,            // scanpy's `t-test`
  kOverestimateVar,  // scanpy's `t-test_overestim_var`: the reference's n is set to the group's
  kWilcoxon,         // scanpy's `wilcoxon`, normal approximation without a correction for ties
  kWilcoxonTies,     // `wilcoxon` with `tie_correct`
};

// One entry per gene, in the matrix's gene order.
struct DifferentialExpression {
  std::vector<double> score;             // t or z statistic; 0 where there is no variance
  std::vector<double> log2_fold_change;  // log2((expm1(mean group)+1e-9)/(expm1(mean ref)+1e-9))
  std::vector<double> p_value;           // two-sided
  std::vector<double> p_adjusted;        // Benjamini-Hochberg
};
DifferentialExpression RankGenes(const DenseMatrix& group, const DenseMatrix& reference,
                                 Test test = Test::kWelch);

// The two-sided p value of a Welch's t test between two groups of `cells` cells each, from what a
// summary says of them: t, the difference of the means and the variance of the first group (n - 1).
// The variance of the second follows. 1 where `score` is 0; NaN with fewer than two cells.
double WelchP(double score, double mean_difference, double variance, int64_t cells);

// One gene of a ranking.
struct RankedGene {
  int64_t column = 0;
  double score = 0;
  double log2_fold_change = 0;
  double p_value = 1;
  double p_adjusted = 1;
};

// Column indices of the `count` genes with the largest |score|, best first; ties by column.
std::vector<int64_t> TopGenes(const DifferentialExpression& de, int count);
// The same genes with what the test says of them.
std::vector<RankedGene> TopRanked(const DifferentialExpression& de, int count);

}  // namespace unlasting::evaluate
