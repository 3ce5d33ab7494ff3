// The functions here are shared by the readers of whole matrices and of ranges of rows. Private to
// core/anndata; errors name the element.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/anndata/hdf5.h"
#include "core/base/matrix.h"

namespace unlasting::anndata {

absl::StatusOr<Handle> OpenObject(hid_t file, const std::string& element);
absl::StatusOr<Handle> OpenMember(const Handle& group, const std::string& element,
                                  const char* name);
// [rows, columns] by the attribute; each below 2^31.
absl::StatusOr<std::pair<int64_t, int64_t>> SparseShape(const Handle& group,
                                                        const std::string& element);

// The three arrays of compressed rows (or columns) as a file holds them: entries of a row in any
// order, repeats allowed. Indices beyond int32 arrive clipped to its ends, which no shape allows.
struct Compressed {
  std::vector<int64_t> indptr;
  std::vector<int32_t> indices;
  std::vector<float> values;
};

// INVALID_ARGUMENT names the first index outside [0, minor).
absl::Status CheckIndices(const std::vector<int32_t>& indices, int64_t minor,
                          const std::string& element);
// Sorts each row by column and sums duplicates; moves what is in order already.
CsrMatrix Canonical(int64_t rows, int64_t cols, Compressed c);
// Columns of row indices become `rows` rows of column indices.
Compressed Transposed(int64_t rows, const Compressed& csc);

}  // namespace unlasting::anndata
