// OpenH5ad opens an .h5ad file for OpenReader. Private to core/anndata.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/anndata/hdf5.h"
#include "core/anndata/reader.h"

namespace unlasting::anndata {

// `file` is the open HDF5 file at `path`. Errors name both the file and the element.
absl::StatusOr<std::unique_ptr<Reader>> OpenH5ad(const std::string& path, Handle file);

}  // namespace unlasting::anndata
