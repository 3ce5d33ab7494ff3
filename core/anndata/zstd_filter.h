// RegisterZstdFilter lets HDF5 read data sets that were compressed with Zstandard (filter 32015 of
// the HDF5 registry), for which Debian has no plugin. Private to core/anndata; nothing is written
// with it.
#pragma once

namespace unlasting::anndata {

// Registers the filter with HDF5. Call it once per process; a library that has the filter already
// keeps its own.
void RegisterZstdFilter();

}  // namespace unlasting::anndata
