#include "core/evaluate/rules/gene_columns.h"

#include <algorithm>

namespace unlasting::evaluate::rules {
namespace {

constexpr int64_t kBytesPerValue = sizeof(int32_t) + sizeof(float);

}  // namespace

absl::Status GeneColumns::Load(cells::RowSource* rows, const std::vector<int64_t>& expressed,
                               int64_t first, int64_t last) {
  first_ = first;
  starts_.assign(1, 0);
  for (int64_t g = first; g < last; ++g) starts_.push_back(starts_.back() + expressed[g]);
  cells_.resize(starts_.back());
  values_.resize(starts_.back());
  std::vector<int64_t> next(starts_.begin(), starts_.end() - 1);
  return rows->ForEachBlock([&](int64_t first_row, const CsrMatrix& block) {
    for (int64_t r = 0; r < block.rows; ++r) {
      const auto indices = block.RowIndices(r);
      const auto values = block.RowValues(r);
      const size_t from = std::lower_bound(indices.begin(), indices.end(), first) - indices.begin();
      for (size_t k = from; k < indices.size() && indices[k] < last; ++k) {
        if (values[k] == 0) continue;
        const int64_t at = next[indices[k] - first]++;
        cells_[at] = static_cast<int32_t>(first_row + r);
        values_[at] = values[k];
      }
    }
    return absl::OkStatus();
  });
}

GeneColumn GeneColumns::Gene(int64_t gene) const {
  const int64_t begin = starts_[gene - first_], end = starts_[gene - first_ + 1];
  const auto size = static_cast<size_t>(end - begin);
  return {{cells_.data() + begin, size}, {values_.data() + begin, size}};
}

std::vector<std::pair<int64_t, int64_t>> GeneRanges(const std::vector<int64_t>& stored,
                                                    int64_t bytes) {
  std::vector<std::pair<int64_t, int64_t>> ranges;
  const auto genes = static_cast<int64_t>(stored.size());
  for (int64_t first = 0; first < genes;) {
    int64_t last = first, taken = 0;
    while (last < genes && (last == first || taken + stored[last] * kBytesPerValue <= bytes)) {
      taken += stored[last++] * kBytesPerValue;
    }
    ranges.emplace_back(first, last);
    first = last;
  }
  return ranges;
}

}  // namespace unlasting::evaluate::rules
