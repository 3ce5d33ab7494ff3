#include <algorithm>
#include <numeric>

#include "absl/strings/str_cat.h"
#include "core/anndata/matrix_parts.h"

namespace unlasting::anndata {
namespace {

// Every row strictly rising.
bool InOrder(const Compressed& c) {
  for (size_t r = 0; r + 1 < c.indptr.size(); ++r) {
    for (int64_t k = c.indptr[r] + 1; k < c.indptr[r + 1]; ++k) {
      if (c.indices[k - 1] >= c.indices[k]) return false;
    }
  }
  return true;
}

}  // namespace

absl::Status CheckIndices(const std::vector<int32_t>& indices, int64_t minor,
                          const std::string& element) {
  for (const int32_t index : indices) {
    if (index < 0 || index >= minor) {
      return absl::InvalidArgumentError(
          absl::StrCat(element, ": found the index ", index, ", expected 0 to ", minor - 1));
    }
  }
  return absl::OkStatus();
}

CsrMatrix Canonical(int64_t rows, int64_t cols, Compressed c) {
  CsrMatrix csr;
  csr.rows = rows;
  csr.cols = cols;
  if (InOrder(c)) {
    csr.indptr = std::move(c.indptr);
    csr.indices = std::move(c.indices);
    csr.values = std::move(c.values);
    return csr;
  }
  csr.indptr.reserve(rows + 1);
  csr.indices.reserve(c.values.size());
  csr.values.reserve(c.values.size());
  std::vector<int64_t> order;
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t begin = c.indptr[r], end = c.indptr[r + 1];
    order.resize(end - begin);
    std::iota(order.begin(), order.end(), begin);
    if (!std::is_sorted(c.indices.begin() + begin, c.indices.begin() + end)) {
      std::stable_sort(order.begin(), order.end(),
                       [&](int64_t a, int64_t b) { return c.indices[a] < c.indices[b]; });
    }
    for (const int64_t k : order) {
      const int32_t column = c.indices[k];
      const bool repeated = static_cast<int64_t>(csr.indices.size()) > csr.indptr.back() &&
                            csr.indices.back() == column;
      if (repeated) {
        csr.values.back() += c.values[k];
      } else {
        csr.indices.push_back(column);
        csr.values.push_back(c.values[k]);
      }
    }
    csr.indptr.push_back(static_cast<int64_t>(csr.indices.size()));
  }
  return csr;
}

Compressed Transposed(int64_t rows, const Compressed& csc) {
  Compressed csr;
  csr.indptr.assign(rows + 1, 0);
  csr.indices.resize(csc.indices.size());
  csr.values.resize(csc.values.size());
  for (const int32_t row : csc.indices) ++csr.indptr[row + 1];
  std::partial_sum(csr.indptr.begin(), csr.indptr.end(), csr.indptr.begin());
  std::vector<int64_t> next(csr.indptr.begin(), csr.indptr.end() - 1);
  for (size_t column = 0; column + 1 < csc.indptr.size(); ++column) {
    for (int64_t k = csc.indptr[column]; k < csc.indptr[column + 1]; ++k) {
      const int64_t at = next[csc.indices[k]]++;
      csr.indices[at] = static_cast<int32_t>(column);
      csr.values[at] = csc.values[k];
    }
  }
  return csr;
}

}  // namespace unlasting::anndata
