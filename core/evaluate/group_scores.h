// Reference computes the scores of one group of predicted cells against its true cells. Private to
// core/evaluate.
#pragma once

#include <string>
#include <vector>

#include "core/evaluate/bootstrap.h"
#include "core/evaluate/column_statistics.h"
#include "core/evaluate/pair_sums.h"
#include "core/evaluate/scorecard.h"
#include "core/evaluate/structure.h"

namespace unlasting::evaluate {

// The genes that a score looks at: all, or the most changed ones.
struct GeneSet {
  std::string name;              // "all", "de20", "de40"
  std::vector<int64_t> columns;  // empty where undefined; unused for "all"
};

// The most changed genes by a test of truth against control, best first: as many as the largest DE
// set holds. Empty where truth or control has one cell only, which leaves no variance to test with.
std::vector<RankedGene> MostChangedGenes(const DenseMatrix& truth, const DenseMatrix& control,
                                         Test test);
// "all", "de20" and "de40" of a ranking; the DE sets are empty where it is.
std::vector<GeneSet> GeneSetsOf(const std::vector<RankedGene>& ranking);

// The scores of one method, and those with an interval in every resample.
struct MethodScores {
  Scores scores;
  std::map<std::string, std::vector<double>> resampled;
};

// True cells with what every comparison with them needs.
class Reference {
 public:
  // `truth` and `control` must outlive the object; `sets` begins with "all". The true cells are
  // resampled with `seed`.
  Reference(const DenseMatrix& truth, const DenseMatrix& control, std::vector<GeneSet> sets,
            const ScoreOptions& options, uint64_t seed);

  // The scores that need no other group.
  MethodScores ScoresOf(const DenseMatrix& predicted) const;
  // Those of them that compare mean changes alone: pearson_delta and the weighted ones. `mean` has
  // one value per gene.
  Scores ChangeScoresOf(const std::vector<double>& mean) const;

 private:
  struct View {
    GeneSet set;
    DenseMatrix truth;  // over the set's genes; empty for "all"
    PairSums within;
    std::vector<double> dips;  // of the set's genes in the true cells
  };

  MethodScores ScoresOver(const View& view, const DenseMatrix& predicted, const Resamples& draws,
                          const std::vector<float>& resampled_emd) const;

  const DenseMatrix& truth_;
  const DenseMatrix& control_;
  std::vector<View> views_;
  StructureGenes structure_genes_;
  std::vector<double> change_weights_;
  ColumnStatistics truth_statistics_;
  ColumnStatistics control_statistics_;
  ScoreOptions options_;
  uint64_t seed_ = 0;
  Resamples truth_draws_;
  double gamma_ = 0;  // of the kernel of mmd
};

}  // namespace unlasting::evaluate
