// WriteAnnData writes an .h5ad file that anndata 0.8 and later and scanpy open: encodings 0.2.0 for
// data frames and categoricals, 0.1.0 for CSR. Any thread may call it; calls for different files do
// not disturb one another.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "core/anndata/anndata.h"

namespace unlasting::anndata {

struct WriteOptions {
  // Level of gzip, 1 to 9; 0 writes chunks without compression. Default 4: higher levels cost more
  // time than they save in space.
  int gzip_level = 4;
};

// The file is written beside `path` and renamed: a reader never sees half a file. INVALID_ARGUMENT
// where lengths or shapes disagree (nothing is written), the file system's error otherwise.
absl::Status WriteAnnData(const AnnData& data, const std::string& path,
                          const WriteOptions& options = {});

}  // namespace unlasting::anndata
