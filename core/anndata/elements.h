// These functions read single AnnData elements below an open HDF5 group, for H5adReader. Private to
// core/anndata; they run within an Hdf5Scope, and errors name the element, not the file.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "core/anndata/anndata.h"
#include "core/anndata/values.h"

namespace unlasting::anndata {

// "dense", "csr" or "csc"; by encoding-type, h5sparse_format, or by what is there.
absl::StatusOr<std::string> EncodingOf(hid_t file, const std::string& element);
absl::StatusOr<Matrix> ReadMatrixElement(hid_t file, const std::string& element);
// [rows, columns] without reading values.
absl::StatusOr<std::pair<int64_t, int64_t>> ShapeOfElement(hid_t file, const std::string& element);

absl::StatusOr<DataFrame> ReadFrame(hid_t file, const std::string& element);

absl::StatusOr<std::vector<std::string>> ReadFrameIndex(hid_t file, const std::string& element);

// A frame written before anndata 0.7: a compound dataset whose field `index` names the rows; the
// levels of its categorical columns lie in uns/NAME_categories.
absl::StatusOr<DataFrame> ReadTable(hid_t file, const std::string& element);
absl::StatusOr<std::vector<std::string>> ReadTableIndex(hid_t file, const std::string& element);

// The columns of either kind of frame. UNIMPLEMENTED for what no column of ours can hold; the
// readers of frames leave such a column out and list it in DataFrame::unread.
//
// A dataset of one axis, as a column of its own kind.
absl::StatusOr<Column> ReadPlainColumn(const Values& values);
// A nullable-integer, nullable-boolean or nullable-string-array: values with a mask of the missing.
absl::StatusOr<Column> ReadNullableGroup(hid_t group);
absl::StatusOr<Categorical> MakeCategorical(std::vector<int32_t> codes,
                                            std::vector<std::string> categories, bool ordered);
absl::StatusOr<Column> ReadCategoricalGroup(hid_t group);

// Mappings, scalars, strings, arrays and tables; what JSON cannot hold, a sparse matrix or a leaf
// that cannot be read, is null.
nlohmann::json ReadMapping(hid_t group);

}  // namespace unlasting::anndata
