// The scores of one group of predicted cells against its true cells. Private to core/evaluate.
#pragma once

#include <string>
#include <vector>

#include "core/evaluate/column_statistics.h"
#include "core/evaluate/pair_sums.h"
#include "core/evaluate/scorecard.h"

namespace unlasting::evaluate {

// The genes that a score looks at: all, or the most changed ones.
struct GeneSet {
  std::string name;              // "all", "de20", "de40"
  std::vector<int64_t> columns;  // empty where undefined; unused for "all"
};

// "all", "de20" and "de40" by a Welch t-test of truth against control. The DE sets are empty where
// truth or control has one cell only, which leaves no variance to test with.
std::vector<GeneSet> GeneSetsOf(const DenseMatrix& truth, const DenseMatrix& control);

// True cells with what every comparison with them needs.
class Reference {
 public:
  // `truth` and `control` must outlive the object; `sets` begins with "all".
  Reference(const DenseMatrix& truth, const DenseMatrix& control, std::vector<GeneSet> sets,
            int threads);

  // The scores that need no other group.
  Scores ScoresOf(const DenseMatrix& predicted, int threads) const;

 private:
  struct View {
    GeneSet set;
    DenseMatrix truth;  // over the set's genes; empty for "all"
    PairSums within;
  };

  const DenseMatrix& truth_;
  const DenseMatrix& control_;
  std::vector<View> views_;
  ColumnStatistics truth_statistics_;
  ColumnStatistics control_statistics_;
  double gamma_ = 0;  // of the kernel of mmd
};

}  // namespace unlasting::evaluate
