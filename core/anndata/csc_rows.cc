#include "core/anndata/csc_rows.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "core/anndata/matrix_parts.h"
#include "core/base/status.h"

namespace unlasting::anndata {
namespace {

constexpr int64_t kPiece = int64_t{1} << 20;

}  // namespace

absl::StatusOr<CscRows> CscRows::Open(const std::string& element, int64_t rows, int64_t cols,
                                      std::vector<int64_t> indptr, Arrays arrays,
                                      int64_t max_held) {
  CscRows csc;
  csc.element_ = element;
  csc.rows_ = rows;
  csc.cols_ = cols;
  csc.max_held_ = max_held;
  csc.column_ends_ = std::move(indptr);
  csc.arrays_ = std::move(arrays);
  csc.row_ends_.assign(rows + 1, 0);
  UNLASTING_RETURN_IF_ERROR(csc.ForEachPiece([&csc](int64_t, const std::vector<int32_t>& indices) {
    for (const int32_t row : indices) ++csc.row_ends_[row + 1];
    return absl::OkStatus();
  }));
  std::partial_sum(csc.row_ends_.begin(), csc.row_ends_.end(), csc.row_ends_.begin());
  return csc;
}

absl::Status CscRows::ForEachPiece(
    const std::function<absl::Status(int64_t, const std::vector<int32_t>&)>& take) {
  const int64_t stored = column_ends_.back();
  for (int64_t begin = 0; begin < stored; begin += kPiece) {
    UNLASTING_ASSIGN_OR_RETURN(const auto indices,
                               arrays_.indices(begin, std::min(kPiece, stored - begin)));
    UNLASTING_RETURN_IF_ERROR(CheckIndices(indices, rows_, element_));
    UNLASTING_RETURN_IF_ERROR(take(begin, indices));
  }
  return absl::OkStatus();
}

absl::Status CscRows::LoadWindow(int64_t first, int64_t last) {
  while (last < rows_ && row_ends_[last + 1] - row_ends_[first] <= max_held_) ++last;
  const int64_t base = row_ends_[first];
  columns_.resize(row_ends_[last] - base);
  values_.resize(columns_.size());
  window_first_ = window_last_ = first;  // nothing, should a read fail
  std::vector<int64_t> next(row_ends_.begin() + first, row_ends_.begin() + last);
  size_t column = 0;
  UNLASTING_RETURN_IF_ERROR(
      ForEachPiece([&](int64_t begin, const std::vector<int32_t>& indices) -> absl::Status {
        UNLASTING_ASSIGN_OR_RETURN(const auto values,
                                   arrays_.values(begin, static_cast<int64_t>(indices.size())));
        for (size_t k = 0; k < indices.size(); ++k) {
          while (column_ends_[column + 1] <= begin + static_cast<int64_t>(k)) ++column;
          if (indices[k] < first || indices[k] >= last) continue;
          const int64_t at = next[indices[k] - first]++ - base;
          columns_[at] = static_cast<int32_t>(column);
          values_[at] = values[k];
        }
        return absl::OkStatus();
      }));
  window_first_ = first;
  window_last_ = last;
  return absl::OkStatus();
}

absl::StatusOr<CsrMatrix> CscRows::Read(int64_t first, int64_t count) {
  const int64_t last = first + count;
  if (count > 0 && (first < window_first_ || last > window_last_)) {
    UNLASTING_RETURN_IF_ERROR(LoadWindow(first, last));
  }
  Compressed rows;
  const int64_t base = row_ends_[first];
  for (int64_t r = first; r <= last; ++r) rows.indptr.push_back(row_ends_[r] - base);
  if (count == 0) return Canonical(0, cols_, std::move(rows));
  const int64_t from = base - row_ends_[window_first_], to = from + rows.indptr.back();
  rows.indices.assign(columns_.begin() + from, columns_.begin() + to);
  rows.values.assign(values_.begin() + from, values_.begin() + to);
  return Canonical(count, cols_, std::move(rows));
}

}  // namespace unlasting::anndata
