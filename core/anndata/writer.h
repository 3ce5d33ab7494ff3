// Writes .h5ad files that anndata >= 0.8 and scanpy open (encodings 0.2.0 for data frames and
// categoricals, 0.1.0 for CSR).
#pragma once

#include <string>

#include "absl/status/status.h"
#include "core/anndata/anndata.h"

namespace unlasting::anndata {

struct WriteOptions {
  // 0 writes chunks uncompressed; 1 to 9 is gzip.
  int gzip_level = 4;
};

// Written beside `path` and renamed: a reader never sees half a file. INVALID_ARGUMENT where
// lengths or shapes disagree (nothing is written), the file system's error otherwise.
absl::Status WriteAnnData(const AnnData& data, const std::string& path,
                          const WriteOptions& options = {});

}  // namespace unlasting::anndata
