// CheckFilters tells, for a data set that HDF5 could not read, whether a compression filter is what
// it lacks, and which package has it. Private to core/anndata.
//
// deflate (gzip) and szip are part of HDF5, lzf and zstd are registered by this room (lzf_filter.h,
// zstd_filter.h), and HDF5 itself opens others as plugins: from Debian's plugin folder, or from the
// folders in the environment variable HDF5_PLUGIN_PATH.
#pragma once

#include <hdf5.h>

#include <cstdint>

#include "absl/status/status.h"

namespace unlasting::anndata {

// Numbers in the HDF Group's registry of filters.
inline constexpr H5Z_filter_t kBzip2Filter = 307;
inline constexpr H5Z_filter_t kBloscFilter = 32001;
inline constexpr H5Z_filter_t kLz4Filter = 32004;
inline constexpr H5Z_filter_t kBitshuffleFilter = 32008;
inline constexpr H5Z_filter_t kZfpFilter = 32013;
inline constexpr H5Z_filter_t kBlosc2Filter = 32026;

// Registers the filters of this room. Call it once per process, before any file is opened.
void RegisterFilters();

// FAILED_PRECONDITION names the first filter of the data set that HDF5 cannot apply and what
// installs it.
absl::Status CheckFilters(hid_t dataset);

// The largest number of bytes that one stored byte of the data set can stand for.
uint64_t BestCompression(hid_t dataset);

}  // namespace unlasting::anndata
