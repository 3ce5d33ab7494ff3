#include "core/base/matrix.h"

#include <algorithm>
#include <utility>

namespace unlasting {

DenseMatrix ToDense(const CsrMatrix& matrix) {
  DenseMatrix dense(matrix.rows, matrix.cols);
  for (int64_t r = 0; r < matrix.rows; ++r) {
    const auto columns = matrix.RowIndices(r);
    const auto values = matrix.RowValues(r);
    for (size_t k = 0; k < columns.size(); ++k) dense.At(r, columns[k]) = values[k];
  }
  return dense;
}

CsrMatrix ToCsr(const DenseMatrix& matrix) {
  CsrMatrix csr;
  csr.cols = matrix.cols;
  csr.indptr.reserve(matrix.rows + 1);
  for (int64_t r = 0; r < matrix.rows; ++r) AppendRow(matrix.Row(r), &csr);
  return csr;
}

void AppendRow(absl::Span<const float> row, CsrMatrix* matrix) {
  for (size_t c = 0; c < row.size(); ++c) {
    if (row[c] == 0.0f) continue;
    matrix->indices.push_back(static_cast<int32_t>(c));
    matrix->values.push_back(row[c]);
  }
  matrix->indptr.push_back(static_cast<int64_t>(matrix->indices.size()));
  ++matrix->rows;
}

CsrMatrix SelectRows(const CsrMatrix& matrix, absl::Span<const int64_t> rows) {
  CsrMatrix selected;
  selected.rows = static_cast<int64_t>(rows.size());
  selected.cols = matrix.cols;
  selected.indptr.reserve(rows.size() + 1);
  for (const int64_t r : rows) {
    const auto columns = matrix.RowIndices(r);
    const auto values = matrix.RowValues(r);
    selected.indices.insert(selected.indices.end(), columns.begin(), columns.end());
    selected.values.insert(selected.values.end(), values.begin(), values.end());
    selected.indptr.push_back(static_cast<int64_t>(selected.indices.size()));
  }
  return selected;
}

DenseMatrix SelectRows(const DenseMatrix& matrix, absl::Span<const int64_t> rows) {
  DenseMatrix selected(static_cast<int64_t>(rows.size()), matrix.cols);
  for (size_t k = 0; k < rows.size(); ++k) {
    const auto row = matrix.Row(rows[k]);
    std::copy(row.begin(), row.end(), selected.Row(static_cast<int64_t>(k)).begin());
  }
  return selected;
}

DenseMatrix SelectRowsDense(const CsrMatrix& matrix, absl::Span<const int64_t> rows) {
  DenseMatrix dense(static_cast<int64_t>(rows.size()), matrix.cols);
  for (size_t k = 0; k < rows.size(); ++k) {
    const auto columns = matrix.RowIndices(rows[k]);
    const auto values = matrix.RowValues(rows[k]);
    for (size_t j = 0; j < columns.size(); ++j) {
      dense.At(static_cast<int64_t>(k), columns[j]) = values[j];
    }
  }
  return dense;
}

CsrMatrix SelectColumns(const CsrMatrix& matrix, absl::Span<const int64_t> columns) {
  std::vector<int32_t> new_column(matrix.cols, -1);
  for (size_t k = 0; k < columns.size(); ++k) new_column[columns[k]] = static_cast<int32_t>(k);
  CsrMatrix selected;
  selected.rows = matrix.rows;
  selected.cols = static_cast<int64_t>(columns.size());
  std::vector<std::pair<int32_t, float>> row;
  for (int64_t r = 0; r < matrix.rows; ++r) {
    row.clear();
    const auto old_columns = matrix.RowIndices(r);
    const auto values = matrix.RowValues(r);
    for (size_t k = 0; k < old_columns.size(); ++k) {
      const int32_t column = new_column[old_columns[k]];
      if (column >= 0) row.emplace_back(column, values[k]);
    }
    std::sort(row.begin(), row.end());
    for (const auto& [column, value] : row) {
      selected.indices.push_back(column);
      selected.values.push_back(value);
    }
    selected.indptr.push_back(static_cast<int64_t>(selected.indices.size()));
  }
  return selected;
}

DenseMatrix SelectColumns(const DenseMatrix& matrix, absl::Span<const int64_t> columns) {
  DenseMatrix selected(matrix.rows, static_cast<int64_t>(columns.size()));
  for (int64_t r = 0; r < matrix.rows; ++r) {
    for (size_t k = 0; k < columns.size(); ++k) {
      selected.At(r, static_cast<int64_t>(k)) = matrix.At(r, columns[k]);
    }
  }
  return selected;
}

}  // namespace unlasting
