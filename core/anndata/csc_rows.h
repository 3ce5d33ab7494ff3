// CscRows gives rows of a matrix that is stored by columns, without holding the matrix. Private to
// core/anndata.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/matrix.h"

namespace unlasting::anndata {

// A window of rows is transposed by one pass over all columns and kept; rows beyond it cost another
// pass. So a matrix is read once more per `max_held` of its values when its rows are asked for in
// rising order, and the row indices of a column may stand in any order, repeats included. Memory: 8
// bytes a row, a column and a value of the window.
class CscRows {
 public:
  // Entries [first, first + count) of the stored arrays.
  struct Arrays {
    std::function<absl::StatusOr<std::vector<int32_t>>(int64_t first, int64_t count)> indices;
    std::function<absl::StatusOr<std::vector<float>>(int64_t first, int64_t count)> values;
  };
  static constexpr int64_t kMaxHeld = int64_t{1} << 25;

  // `indptr` [cols + 1] rises from 0. Counts the values of each row: INVALID_ARGUMENT names an
  // index beyond `rows`. `element` is for messages.
  static absl::StatusOr<CscRows> Open(const std::string& element, int64_t rows, int64_t cols,
                                      std::vector<int64_t> indptr, Arrays arrays,
                                      int64_t max_held = kMaxHeld);

  // Rows [first, first + count), which must be there, in canonical form.
  absl::StatusOr<CsrMatrix> Read(int64_t first, int64_t count);

 private:
  CscRows() = default;
  // Calls `take` with each stored index, the columns in order; by pieces, so that memory is
  // bounded.
  absl::Status ForEachPiece(
      const std::function<absl::Status(int64_t begin, const std::vector<int32_t>& indices)>& take);
  absl::Status LoadWindow(int64_t first, int64_t last);

  std::string element_;
  int64_t rows_ = 0;
  int64_t cols_ = 0;
  int64_t max_held_ = kMaxHeld;
  std::vector<int64_t> column_ends_;  // [cols + 1]: the file's indptr
  std::vector<int64_t> row_ends_;     // [rows + 1]: that of the transposed matrix
  Arrays arrays_;
  int64_t window_first_ = 0, window_last_ = 0;
  std::vector<int32_t> columns_;  // of the window's values, row by row
  std::vector<float> values_;
};

}  // namespace unlasting::anndata
