// CheckWritable checks data for WriteAnnData before it touches a file. Private to core/anndata.
#pragma once

#include "absl/status/status.h"
#include "core/anndata/anndata.h"

namespace unlasting::anndata {

// INVALID_ARGUMENT, with the element named, where lengths or shapes disagree, a matrix breaks the
// invariants of core/base/matrix.h, a code has no category, or a name is one that HDF5 cannot
// hold.
absl::Status CheckWritable(const AnnData& data);

}  // namespace unlasting::anndata
