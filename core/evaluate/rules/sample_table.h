// SampleTable is what a rule knows about one sample (the truth, a half of it, a prediction, or a
// baseline) once every gene has been passed: pseudobulks, their noise, and the test of every gene.
//
// SampleBuilder fills one gene at a time. Different genes may be filled by different threads: each
// gene has its own places, and noise is summed by chunks of genes in a fixed order, so no result
// depends on the number of threads.
#pragma once

#include <vector>

#include "core/evaluate/rank_sum.h"
#include "core/evaluate/rules/gene_cells.h"
#include "core/evaluate/rules/jackknife.h"

namespace unlasting::evaluate::rules {

// Genes with a mean of the control at or below this, in counts per million, are not tested.
constexpr double kMinControlMean = 5;

struct SampleTable {
  int64_t targets = 0, genes = 0;
  std::vector<int64_t> cells;            // per group, the control's last
  std::vector<double> bulk;              // [targets + 1, genes], the control's last
  std::vector<double> jackknife;         // [targets + 1]
  std::vector<uint8_t> tested;           // [genes]: the control's mean passes
  std::vector<double> log2_fold_change;  // [targets, genes]; NaN where not tested
  std::vector<double> p_value;           // [targets, genes]; NaN where not tested

  absl::Span<const double> Bulk(int64_t group) const {
    return {bulk.data() + group * genes, static_cast<size_t>(genes)};
  }
  absl::Span<const double> FoldChanges(int64_t target) const {
    return {log2_fold_change.data() + target * genes, static_cast<size_t>(genes)};
  }
  absl::Span<const double> PValues(int64_t target) const {
    return {p_value.data() + target * genes, static_cast<size_t>(genes)};
  }
};

// The cells against which groups are tested for one gene.
struct ControlCells {
  double mean = 0;             // counts per million
  std::vector<double> logged;  // ascending, the zeros left out
  SortedSample sample;         // views `logged`

  // `sum` and `expressed` of the control, sorted by `logged`; `cells` are all of its cells.
  void Set(double scaled_sum, absl::Span<const Expressed> expressed, int64_t cells);
};

class SampleBuilder {
 public:
  static constexpr int64_t kChunk = 8;  // genes that one thread fills, in order

  // `group_of` gives each cell's group, or -1 for a cell outside the sample; `library` its total.
  SampleBuilder(int64_t targets, int64_t genes, const std::vector<int32_t>& group_of,
                const std::vector<double>& library);

  int64_t cells(int64_t group) const { return table_.cells[group]; }
  // A group's bulk and noise of one gene; `sum` is taken over `expressed`.
  void AddBulk(int64_t gene, int64_t group, const GroupSum& sum,
               absl::Span<const Expressed> expressed);
  // A target's test of one gene; `logged` is ascending and leaves the zeros out.
  void AddTest(int64_t gene, int64_t target, const GroupSum& sum, absl::Span<const double> logged,
               const ControlCells& control, const RankSumOptions& options);
  SampleTable Finish();

 private:
  SampleTable table_;
  std::vector<Jackknife> jackknives_;
  std::vector<double> noise_;  // [chunks, targets + 1]
};

}  // namespace unlasting::evaluate::rules
