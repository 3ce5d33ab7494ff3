#include "core/anndata/zstd_filter.h"

#include <hdf5.h>
#include <zstd.h>

namespace unlasting::anndata {
namespace {

constexpr H5Z_filter_t kZstd = 32015;  // number in the HDF Group's registry
// A block of 128 KiB takes at least 4 bytes, so that a frame cannot expand further than this.
constexpr unsigned long long kBestRatio = 1 << 15;  // NOLINT: ZSTD_getFrameContentSize's type
constexpr size_t kLargestChunk = size_t{1} << 31;

// HDF5's callback: replaces the buffer by its expansion, and returns the number of bytes, 0 for an
// error.
size_t Filter(unsigned int flags, size_t, const unsigned int[], size_t size, size_t* buffer_size,
              void** buffer) {
  if ((flags & H5Z_FLAG_REVERSE) == 0) return 0;
  // Every writer of the filter compresses a chunk by one call, which records the size.
  const auto content = ZSTD_getFrameContentSize(*buffer, size);
  if (content == ZSTD_CONTENTSIZE_UNKNOWN || content == ZSTD_CONTENTSIZE_ERROR || content == 0 ||
      content > kLargestChunk || content / kBestRatio > size) {
    return 0;
  }
  void* expanded = H5allocate_memory(static_cast<size_t>(content), false);
  if (expanded == nullptr) return 0;
  const size_t written = ZSTD_decompress(expanded, static_cast<size_t>(content), *buffer, size);
  if (ZSTD_isError(written) != 0 || written != content) {
    H5free_memory(expanded);
    return 0;
  }
  H5free_memory(*buffer);
  *buffer = expanded;
  *buffer_size = static_cast<size_t>(content);
  return written;
}

}  // namespace

void RegisterZstdFilter() {
  if (H5Zfilter_avail(kZstd) > 0) return;
  H5Z_class2_t filter = {};
  filter.version = H5Z_CLASS_T_VERS;
  filter.id = kZstd;
  filter.encoder_present = 0;
  filter.decoder_present = 1;
  filter.name = "zstd";
  filter.filter = Filter;
  H5Zregister(&filter);
}

}  // namespace unlasting::anndata
