// GeneColumns turns rows that pass by in blocks into columns of a range of genes, so that a rule
// which works gene by gene can score files larger than memory in a few passes.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "core/cells/row_source.h"

namespace unlasting::evaluate::rules {

// The values other than 0 of one gene, in the order of the cells.
struct GeneColumn {
  absl::Span<const int32_t> cells;
  absl::Span<const float> values;
};

class GeneColumns {
 public:
  // One pass over `rows` for the genes [first, last). `expressed` says for every gene of the rows
  // how many values other than 0 it has.
  absl::Status Load(cells::RowSource* rows, const std::vector<int64_t>& expressed, int64_t first,
                    int64_t last);
  // Contract: the gene lies in the range that was loaded.
  GeneColumn Gene(int64_t gene) const;

 private:
  int64_t first_ = 0;
  std::vector<int64_t> starts_;
  std::vector<int32_t> cells_;
  std::vector<float> values_;
};

// Cuts all genes into ranges whose columns take at most `bytes` each, or one gene where a single
// column takes more. `stored` is the number of values that each gene has on all sides together.
std::vector<std::pair<int64_t, int64_t>> GeneRanges(const std::vector<int64_t>& stored,
                                                    int64_t bytes);

}  // namespace unlasting::evaluate::rules
