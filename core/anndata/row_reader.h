// RowReader reads ranges of rows of one matrix, for files larger than memory. Private to
// core/anndata.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/anndata/csc_rows.h"
#include "core/anndata/matrix_parts.h"

namespace unlasting::anndata {

// Keeps the matrix open, and of it the row pointers (8 bytes a row). A CSC matrix has no rows to
// read: see CscRows.
class RowReader {
 public:
  static absl::StatusOr<std::unique_ptr<RowReader>> Open(hid_t file, const std::string& element);
  // The same for a group that holds the three arrays of `rows` compressed rows and does not say so
  // by attributes.
  static absl::StatusOr<std::unique_ptr<RowReader>> OpenCsr(hid_t file, const std::string& element,
                                                            int64_t rows, int64_t cols);

  // Rows [first, first + count) as CSR in canonical form; zeros of dense matrices are dropped.
  absl::StatusOr<CsrMatrix> Read(int64_t first, int64_t count);

 private:
  RowReader() = default;
  // Opens the arrays of either sparse form; `major` is what it is compressed by.
  absl::Status OpenSparse(const Handle& group, int64_t major);
  absl::StatusOr<std::vector<int32_t>> IndicesBetween(int64_t first, int64_t count);
  absl::StatusOr<std::vector<float>> ValuesBetween(int64_t first, int64_t count);
  absl::StatusOr<CsrMatrix> ReadCsr(int64_t first, int64_t count);
  absl::StatusOr<CsrMatrix> ReadDense(int64_t first, int64_t count);

  std::string element_;
  std::string encoding_;
  int64_t rows_ = 0;
  int64_t cols_ = 0;
  std::vector<int64_t> indptr_;  // csr
  Handle indices_;               // csr and csc
  Handle values_;                // all
  std::optional<CscRows> csc_;
};

}  // namespace unlasting::anndata
