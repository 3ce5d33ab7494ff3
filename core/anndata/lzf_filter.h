// RegisterLzfFilter lets HDF5 read data sets that h5py compressed with LZF (filter 32000), which
// HDF5 itself does not carry. Private to core/anndata; nothing is written with it.
#pragma once

#include <cstddef>
#include <cstdint>

namespace unlasting::anndata {

// Expands LZF data into `out`. Returns the number of bytes written, 0 where the data are malformed
// or do not fit into `capacity`.
size_t ExpandLzf(const uint8_t* data, size_t size, uint8_t* out, size_t capacity);

// Registers the filter with HDF5. Call it once per process; a library that has the filter already
// keeps its own.
void RegisterLzfFilter();

}  // namespace unlasting::anndata
