#include "core/anndata/mtx_rows.h"

#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/anndata/matrix_parts.h"
#include "core/anndata/warnings.h"
#include "core/base/status.h"

namespace unlasting::anndata {

MtxRows::MtxRows(MtxStream stream, std::string path, bool by_row, int64_t max_held)
    : stream_(std::move(stream)), path_(std::move(path)), by_row_(by_row), max_held_(max_held) {
  cells_ = by_row ? stream_.rows() : stream_.cols();
  features_ = by_row ? stream_.cols() : stream_.rows();
}

absl::StatusOr<bool> MtxRows::Next(Value* value) {
  MtxStream::Entry entry;
  UNLASTING_ASSIGN_OR_RETURN(const bool more, stream_.Next(&entry));
  value->cell = by_row_ ? entry.row : entry.col;
  value->feature = by_row_ ? entry.col : entry.row;
  value->value = entry.value;
  return more;
}

absl::Status MtxRows::Count() {
  row_ends_.assign(cells_ + 1, 0);
  Value value;
  int32_t last = 0;
  while (true) {
    UNLASTING_ASSIGN_OR_RETURN(const bool more, Next(&value));
    if (!more) break;
    ++row_ends_[value.cell + 1];
    sorted_ = sorted_ && value.cell >= last;
    last = value.cell;
  }
  std::partial_sum(row_ends_.begin(), row_ends_.end(), row_ends_.begin());
  UNLASTING_RETURN_IF_ERROR(stream_.Rewind());
  counted_ = true;
  if (!sorted_ && row_ends_.back() > max_held_) {
    Warn(path_,
         absl::StrCat("is not sorted by cell, and is read once for every ", max_held_, " of its ",
                      row_ends_.back(), " values; write it as .h5ad to read it faster"));
  }
  return absl::OkStatus();
}

absl::Status MtxRows::LoadWindow(int64_t first, int64_t last) {
  if (!sorted_) {
    while (last < cells_ && row_ends_[last + 1] - row_ends_[first] <= max_held_) ++last;
  }
  window_features_.resize(row_ends_[last] - row_ends_[first]);
  window_values_.resize(window_features_.size());
  window_first_ = window_last_ = first;  // nothing, should a read fail
  if (!sorted_ || first < stream_cell_) {
    UNLASTING_RETURN_IF_ERROR(stream_.Rewind());
    pending_ = false;
    stream_cell_ = 0;
  }
  std::vector<int64_t> next(row_ends_.begin() + first, row_ends_.begin() + last);
  const int64_t base = row_ends_[first];
  while (true) {
    Value value = pending_value_;
    if (!std::exchange(pending_, false)) {
      UNLASTING_ASSIGN_OR_RETURN(const bool more, Next(&value));
      if (!more) break;
    }
    if (value.cell < first) continue;
    if (value.cell >= last) {
      if (!sorted_) continue;
      pending_value_ = value;
      pending_ = true;
      break;
    }
    const int64_t at = next[value.cell - first]++ - base;
    // A file that another program writes to may differ from what was counted.
    if (at >= row_ends_[value.cell + 1] - base) {
      return absl::InvalidArgumentError(absl::StrCat(path_, ": has changed while it was read"));
    }
    window_features_[at] = value.feature;
    window_values_[at] = value.value;
  }
  stream_cell_ = sorted_ ? last : 0;
  window_first_ = first;
  window_last_ = last;
  return absl::OkStatus();
}

absl::StatusOr<CsrMatrix> MtxRows::Read(int64_t first, int64_t count) {
  if (!counted_) UNLASTING_RETURN_IF_ERROR(Count());
  const int64_t last = first + count;
  Compressed rows;
  if (count == 0) {
    rows.indptr = {0};
    return Canonical(0, features_, std::move(rows));
  }
  if (first < window_first_ || last > window_last_) {
    UNLASTING_RETURN_IF_ERROR(LoadWindow(first, last));
  }
  const int64_t base = row_ends_[first];
  for (int64_t r = first; r <= last; ++r) rows.indptr.push_back(row_ends_[r] - base);
  if (first == window_first_ && last == window_last_) {
    // A whole window is given away: a large matrix is not held twice.
    rows.indices = std::exchange(window_features_, {});
    rows.values = std::exchange(window_values_, {});
    window_last_ = window_first_;
  } else {
    const int64_t from = base - row_ends_[window_first_], to = from + rows.indptr.back();
    rows.indices.assign(window_features_.begin() + from, window_features_.begin() + to);
    rows.values.assign(window_values_.begin() + from, window_values_.begin() + to);
  }
  return Canonical(count, features_, std::move(rows));
}

}  // namespace unlasting::anndata
