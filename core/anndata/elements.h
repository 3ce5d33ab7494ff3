// Readers of single AnnData elements below an open HDF5 group. Private to core/anndata; errors name
// the element, not the file.
#pragma once

#include <hdf5.h>

#include <string>

#include "absl/status/statusor.h"
#include "core/anndata/anndata.h"

namespace unlasting::anndata {

// "dense", "csr" or "csc"; by encoding-type, h5sparse_format, or by what is there.
absl::StatusOr<std::string> EncodingOf(hid_t file, const std::string& element);
absl::StatusOr<Matrix> ReadMatrixElement(hid_t file, const std::string& element);
// [rows, columns] without reading values.
absl::StatusOr<std::pair<int64_t, int64_t>> ShapeOfElement(hid_t file, const std::string& element);

absl::StatusOr<DataFrame> ReadFrame(hid_t file, const std::string& element);

// Mappings, scalars, strings and arrays; what JSON cannot hold becomes null.
nlohmann::json ReadMapping(hid_t group, int depth = 0);

}  // namespace unlasting::anndata
