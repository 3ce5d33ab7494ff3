#include "core/anndata/lzf_filter.h"

#include <hdf5.h>

#include <cstring>

namespace unlasting::anndata {
namespace {

constexpr H5Z_filter_t kLzf = 32000;
// A chunk is at most 4 GiB in HDF5; far less is written, and a damaged header may claim anything.
constexpr size_t kLargestChunk = size_t{1} << 31;

// HDF5's callback: replaces the buffer by its expansion. `values[2]` is the chunk's size in bytes,
// as h5py stores it.
size_t Filter(unsigned int flags, size_t count, const unsigned int values[], size_t size,
              size_t* buffer_size, void** buffer) {
  if ((flags & H5Z_FLAG_REVERSE) == 0) return 0;
  size_t capacity = count >= 3 && values[2] != 0 ? values[2] : *buffer_size;
  // No LZF byte expands to more than 88 (264 bytes from 3).
  while (capacity <= kLargestChunk && capacity / 100 <= size) {
    void* expanded = H5allocate_memory(capacity, false);
    if (expanded == nullptr) return 0;
    const size_t written = ExpandLzf(static_cast<const uint8_t*>(*buffer), size,
                                     static_cast<uint8_t*>(expanded), capacity);
    if (written > 0) {
      H5free_memory(*buffer);
      *buffer = expanded;
      *buffer_size = capacity;
      return written;
    }
    H5free_memory(expanded);
    // Files of before h5py 1.2 do not say the size.
    if (count >= 3 && values[2] != 0) return 0;
    capacity *= 2;
  }
  return 0;
}

}  // namespace

size_t ExpandLzf(const uint8_t* data, size_t size, uint8_t* out, size_t capacity) {
  size_t in = 0, at = 0;
  while (in < size) {
    const size_t control = data[in++];
    if (control < 32) {
      const size_t literals = control + 1;
      if (literals > size - in || literals > capacity - at) return 0;
      std::memcpy(out + at, data + in, literals);
      in += literals;
      at += literals;
      continue;
    }
    size_t length = control >> 5;
    if (length == 7) {
      if (in >= size) return 0;
      length += data[in++];
    }
    length += 2;
    if (in >= size) return 0;
    const size_t distance = ((control & 31) << 8) + data[in++] + 1;
    if (distance > at || length > capacity - at) return 0;
    // Byte by byte: a reference may overlap what it writes.
    for (size_t k = 0; k < length; ++k, ++at) out[at] = out[at - distance];
  }
  return at;
}

void RegisterLzfFilter() {
  if (H5Zfilter_avail(kLzf) > 0) return;
  H5Z_class2_t filter = {};
  filter.version = H5Z_CLASS_T_VERS;
  filter.id = kLzf;
  filter.encoder_present = 0;
  filter.decoder_present = 1;
  filter.name = "lzf";
  filter.filter = Filter;
  H5Zregister(&filter);
}

}  // namespace unlasting::anndata
