// The HDF5 filter "lzf" of h5py (number 32000), which HDF5 itself does not carry: reading only.
// Private to core/anndata.
#pragma once

#include <cstddef>
#include <cstdint>

namespace unlasting::anndata {

// Expands LZF data into `out`. Returns the number of bytes written, 0 where the data are malformed
// or do not fit into `capacity`.
size_t ExpandLzf(const uint8_t* data, size_t size, uint8_t* out, size_t capacity);

// Once per process; a library that has the filter already keeps its own.
void RegisterLzfFilter();

}  // namespace unlasting::anndata
