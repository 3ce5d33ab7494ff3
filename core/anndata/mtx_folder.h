// OpenMtxFolder opens a folder of a Matrix Market matrix with its features and barcodes, as Cell
// Ranger, STARsolo and the archives of the field write it, for OpenReader. Private to core/anndata.
//
//   matrix.mtx      [features, cells], or [cells, features] where only that fits the other two
//                   files
//   barcodes.tsv    one cell per line, the barcode in the first column
//   features.tsv    (or genes.tsv) one feature per line: id, symbol and type, or id and symbol, or
//                   one name
//
// Each may be compressed with gzip and end in .gz. All three may begin with the same prefix, as in
// GSM123_matrix.mtx.gz; where a folder holds several prefixes, the path of one matrix chooses.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/anndata/reader.h"

namespace unlasting::anndata {

// A folder, or a file whose name ends in .mtx or .mtx.gz.
bool IsMtxPath(const std::string& path);

// `obs_table` as in OpenOptions. NOT_FOUND where one of the three files is absent; INVALID_ARGUMENT
// where they do not belong together. Errors name the file.
absl::StatusOr<std::unique_ptr<Reader>> OpenMtxFolder(const std::string& path,
                                                      const std::string& obs_table);

}  // namespace unlasting::anndata
