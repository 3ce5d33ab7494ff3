#include "core/grn/product_sums.h"

#include <algorithm>
#include <numeric>

namespace unlasting::grn {
namespace {

// Cells whose rows a core's cache should keep while every gene of them is looked at.
constexpr int64_t kBlockCells = 2048;

}  // namespace

ProductSums::ProductSums(const CsrMatrix& cells) : cells_(cells) {
  for (int64_t first = 0; first < cells.rows; first += kBlockCells) {
    blocks_.push_back(Transpose(cells, first, std::min(first + kBlockCells, cells.rows)));
  }
}

ProductSums::ByGene ProductSums::Transpose(const CsrMatrix& cells, int64_t first, int64_t last) {
  ByGene genes;
  genes.indptr.assign(cells.cols + 1, 0);
  const int64_t begin = cells.indptr[first], end = cells.indptr[last];
  for (int64_t k = begin; k < end; ++k) ++genes.indptr[cells.indices[k] + 1];
  std::partial_sum(genes.indptr.begin(), genes.indptr.end(), genes.indptr.begin());
  genes.rows.resize(end - begin);
  genes.next.resize(end - begin);
  genes.values.resize(end - begin);
  std::vector<int64_t> at(genes.indptr.begin(), genes.indptr.end() - 1);
  for (int64_t r = first; r < last; ++r) {
    for (int64_t k = cells.indptr[r]; k < cells.indptr[r + 1]; ++k) {
      const int64_t to = at[cells.indices[k]]++;
      genes.rows[to] = static_cast<int32_t>(r - first);
      genes.next[to] = static_cast<int32_t>(k + 1 - cells.indptr[r]);
      genes.values[to] = cells.values[k];
    }
  }
  return genes;
}

void ProductSums::Compute(int64_t first, int64_t last, std::vector<double>* sums) const {
  sums->assign((last - first) * cells_.cols, 0.0);
  for (size_t b = 0; b < blocks_.size(); ++b) {
    const ByGene& genes = blocks_[b];
    const int64_t first_cell = static_cast<int64_t>(b) * kBlockCells;
    for (int64_t i = first; i < last; ++i) {
      double* out = sums->data() + (i - first) * cells_.cols;
      for (int64_t k = genes.indptr[i]; k < genes.indptr[i + 1]; ++k) {
        const int64_t cell = first_cell + genes.rows[k];
        const double value = genes.values[k];
        const int64_t end = cells_.indptr[cell + 1];
        for (int64_t at = cells_.indptr[cell] + genes.next[k]; at < end; ++at) {
          out[cells_.indices[at]] += value * cells_.values[at];
        }
      }
    }
  }
}

}  // namespace unlasting::grn
