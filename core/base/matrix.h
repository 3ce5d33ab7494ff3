// matrix.h defines the two matrices that all rooms share: dense row-major and compressed sparse
// rows. Rows are cells and columns genes unless a comment says otherwise. Values are float32;
// whoever sums them does so in double.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace unlasting {

// Invariant: values.size() == rows * cols.
struct DenseMatrix {
  int64_t rows = 0;
  int64_t cols = 0;
  std::vector<float> values;

  DenseMatrix() = default;
  DenseMatrix(int64_t rows_in, int64_t cols_in)
      : rows(rows_in), cols(cols_in), values(static_cast<size_t>(rows_in * cols_in)) {}

  absl::Span<float> Row(int64_t r) { return {values.data() + r * cols, static_cast<size_t>(cols)}; }
  absl::Span<const float> Row(int64_t r) const {
    return {values.data() + r * cols, static_cast<size_t>(cols)};
  }
  float& At(int64_t r, int64_t c) { return values[r * cols + c]; }
  float At(int64_t r, int64_t c) const { return values[r * cols + c]; }
};

// Invariant: indptr has rows + 1 non-decreasing entries from 0 to indices.size();
// the column indices of a row are strictly increasing and below cols.
struct CsrMatrix {
  int64_t rows = 0;
  int64_t cols = 0;
  std::vector<int64_t> indptr = {0};
  std::vector<int32_t> indices;
  std::vector<float> values;

  absl::Span<const int32_t> RowIndices(int64_t r) const {
    return {indices.data() + indptr[r], static_cast<size_t>(indptr[r + 1] - indptr[r])};
  }
  absl::Span<const float> RowValues(int64_t r) const {
    return {values.data() + indptr[r], static_cast<size_t>(indptr[r + 1] - indptr[r])};
  }
  absl::Span<float> RowValues(int64_t r) {
    return {values.data() + indptr[r], static_cast<size_t>(indptr[r + 1] - indptr[r])};
  }
};

DenseMatrix ToDense(const CsrMatrix& matrix);
// Zeros are dropped.
CsrMatrix ToCsr(const DenseMatrix& matrix);
// Appends a row of `matrix.cols` values; zeros are dropped.
void AppendRow(absl::Span<const float> row, CsrMatrix* matrix);

// Rows in the order given; an index may repeat.
CsrMatrix SelectRows(const CsrMatrix& matrix, absl::Span<const int64_t> rows);
DenseMatrix SelectRows(const DenseMatrix& matrix, absl::Span<const int64_t> rows);
// The rows as a dense matrix, without a sparse copy between.
DenseMatrix SelectRowsDense(const CsrMatrix& matrix, absl::Span<const int64_t> rows);

// Columns in the order given, without repeats.
CsrMatrix SelectColumns(const CsrMatrix& matrix, absl::Span<const int64_t> columns);
DenseMatrix SelectColumns(const DenseMatrix& matrix, absl::Span<const int64_t> columns);

}  // namespace unlasting
