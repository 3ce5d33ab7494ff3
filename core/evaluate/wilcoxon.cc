#include "core/evaluate/wilcoxon.h"

#include <algorithm>

#include "core/evaluate/rank_sum.h"

namespace unlasting::evaluate {

std::vector<double> WilcoxonScores(const DenseMatrix& group, const DenseMatrix& reference,
                                   bool correct_ties) {
  RankSumOptions options;
  options.correct_ties = correct_ties;
  std::vector<double> scores;
  std::vector<double> a(group.rows), b(reference.rows);
  for (int64_t g = 0; g < group.cols; ++g) {
    for (int64_t r = 0; r < group.rows; ++r) a[r] = group.At(r, g);
    for (int64_t r = 0; r < reference.rows; ++r) b[r] = reference.At(r, g);
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    const SortedSample of_group{a};
    SortedSample of_reference{b};
    of_reference.tied = TiedTerm(of_reference);
    scores.push_back(RankSumTest(of_group, of_reference, options).z);
  }
  return scores;
}

}  // namespace unlasting::evaluate
