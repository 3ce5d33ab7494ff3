// ProductSums adds up products of two genes' values over cells, which costs only where both are
// expressed. Private to core/grn.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/matrix.h"

namespace unlasting::grn {

class ProductSums {
 public:
  // Genes of one task: their sums are kept until the last block of cells.
  static constexpr int64_t kGenesPerTask = 64;

  // `cells` [cells, genes], the columns of a row ascending; outlives this.
  explicit ProductSums(const CsrMatrix& cells);

  // sums [last - first, genes]: the sum over the cells of x_i x_j for i in [first, last), j > i;
  // the rest is 0. Any thread.
  void Compute(int64_t first, int64_t last, std::vector<double>* sums) const;

 private:
  // The cells of each gene within a block: [genes] ranges of (row, value).
  struct ByGene {
    std::vector<int64_t> indptr;
    std::vector<int32_t> rows;
    std::vector<int32_t> next;  // where in its row the entry after this one begins
    std::vector<float> values;
  };
  static ByGene Transpose(const CsrMatrix& cells, int64_t first, int64_t last);

  const CsrMatrix& cells_;
  std::vector<ByGene> blocks_;
};

}  // namespace unlasting::grn
