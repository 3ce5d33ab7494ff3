#include "core/anndata/values.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <type_traits>

#include "core/anndata/filters.h"
#include "core/base/status.h"

namespace unlasting::anndata {
namespace {

uint64_t FileSize(hid_t dataset) {
  const Handle file(H5Iget_file_id(dataset));
  hsize_t size = 0;
  return H5Fget_filesize(file.get(), &size) < 0 ? 0 : size;
}

// Bytes of one chunk before compression, which HDF5 allocates as a whole; 0 where the dataset is
// not chunked.
uint64_t ChunkBytes(hid_t plist, uint64_t element_size) {
  hsize_t extents[H5S_MAX_RANK] = {};
  const int axes =
      H5Pget_layout(plist) == H5D_CHUNKED ? H5Pget_chunk(plist, H5S_MAX_RANK, extents) : 0;
  if (axes <= 0) return 0;
  uint64_t bytes = element_size;
  for (int axis = 0; axis < axes; ++axis) {
    if (__builtin_mul_overflow(bytes, extents[axis], &bytes)) return UINT64_MAX;
  }
  return bytes;
}

// How many values there are; refuses, before memory is asked for, a header that promises far more
// than the file stores.
absl::StatusOr<size_t> CheckedCount(const Values& values, size_t element_size) {
  // Datasets never written hold fill values and store nothing: small ones are fine.
  constexpr uint64_t kAlwaysFine = uint64_t{1} << 24;
  const Handle space(H5Dget_space(values.dataset));
  const Handle type(H5Dget_type(values.dataset));
  const hssize_t points = H5Sget_simple_extent_npoints(space.get());
  const size_t size = H5Tget_size(type.get());
  if (points < 0 || size == 0) return absl::InvalidArgumentError("its extent cannot be read");
  const uint64_t stored = H5Dget_storage_size(values.dataset);
  const auto refused = [&] {
    return absl::InvalidArgumentError(absl::StrCat("promises ", points, " values of ", size,
                                                   " bytes and stores ", stored, " bytes"));
  };
  const Handle plist(H5Dget_create_plist(values.dataset));
  const H5D_layout_t layout = H5Pget_layout(plist.get());
  if (layout == H5D_VIRTUAL || H5Pget_external_count(plist.get()) > 0) {
    return absl::UnimplementedError("lies in another file, which this build does not follow");
  }
  // HDF5 asks for as many bytes as a chunk's record names, before it looks for them.
  const uint64_t file_size = FileSize(values.dataset);
  if (stored > file_size) {
    return absl::InvalidArgumentError(absl::StrCat(
        "promises ", stored, " stored bytes in a file of ", file_size, "; the file is damaged"));
  }
  if (layout != H5D_CHUNKED) {
    // HDF5 1.10 reads past the end of what such a dataset stores. Nothing stored is all fill value.
    if ((layout == H5D_COMPACT || stored > 0) && stored / size < static_cast<uint64_t>(points)) {
      return refused();
    }
  }
  uint64_t count = static_cast<uint64_t>(points);
  for (const hsize_t extent : ArrayShape(TypeOf(values))) count *= extent;
  const uint64_t limit = kAlwaysFine + BestCompression(values.dataset) * stored;
  if (static_cast<uint64_t>(points) > limit / size || count > (uint64_t{1} << 60) / element_size) {
    return refused();
  }
  // No chunk is allocated where nothing was written.
  const uint64_t chunk = ChunkBytes(plist.get(), size);
  if (stored > 0 && chunk > limit) {
    return absl::InvalidArgumentError(absl::StrCat(
        "promises chunks of ", chunk, " bytes and stores ", stored, " bytes; the file is damaged"));
  }
  return static_cast<size_t>(count);
}

// All values, or those that `selection` picks in the file.
absl::Status ReadInto(const Values& values, const Handle& memory_type, void* out,
                      const Handle& memory_space = Handle(), const Handle& selection = Handle()) {
  const hid_t in_memory = memory_space.ok() ? memory_space.get() : H5S_ALL;
  const hid_t in_file = selection.ok() ? selection.get() : H5S_ALL;
  if (H5Dread(values.dataset, memory_type.get(), in_memory, in_file, H5P_DEFAULT, out) >= 0) {
    return absl::OkStatus();
  }
  UNLASTING_RETURN_IF_ERROR(CheckFilters(values.dataset));
  return absl::InvalidArgumentError("cannot be read; the file is damaged");
}

template <typename T>
hid_t NativeType() {
  if constexpr (std::is_same_v<T, float>) return H5T_NATIVE_FLOAT;
  if constexpr (std::is_same_v<T, double>) return H5T_NATIVE_DOUBLE;
  if constexpr (std::is_same_v<T, int32_t>) return H5T_NATIVE_INT32;
  if constexpr (std::is_same_v<T, int64_t>) return H5T_NATIVE_INT64;
}

absl::Status Unexpected(ValueClass found, const char* expected) {
  return absl::InvalidArgumentError(
      absl::StrCat("found ", ClassName(found), ", expected ", expected));
}

}  // namespace

template <typename T>
absl::StatusOr<std::vector<T>> ReadNumbers(const Values& values) {
  const ValueClass found = ClassOf(values);
  if (found != ValueClass::kInteger && found != ValueClass::kFloat &&
      found != ValueClass::kBoolean) {
    return Unexpected(found, "numbers");
  }
  UNLASTING_ASSIGN_OR_RETURN(const size_t count, CheckedCount(values, sizeof(T)));
  if (count == 0) return std::vector<T>();
  if (found == ValueClass::kBoolean) {
    // HDF5 converts no enumeration to a number: the bytes are read as they are.
    std::vector<int8_t> bytes(count);
    const Handle type = ElementType(TypeOf(values));
    UNLASTING_RETURN_IF_ERROR(ReadInto(values, MemoryType(values, type.get()), bytes.data()));
    return std::vector<T>(bytes.begin(), bytes.end());
  }
  std::vector<T> numbers(count);
  UNLASTING_RETURN_IF_ERROR(ReadInto(values, MemoryType(values, NativeType<T>()), numbers.data()));
  return numbers;
}

template <typename T>
absl::StatusOr<std::vector<T>> ReadIntegers(const Values& values) {
  const ValueClass found = ClassOf(values);
  if (found != ValueClass::kInteger) return Unexpected(found, "integers");
  return ReadNumbers<T>(values);
}

template <typename T>
absl::StatusOr<std::vector<T>> ReadNumbersBetween(hid_t dataset, int64_t first, int64_t count) {
  const ValueClass found = ClassOf(dataset);
  if (found != ValueClass::kInteger && found != ValueClass::kFloat) {
    return Unexpected(found, "numbers");
  }
  UNLASTING_RETURN_IF_ERROR(CheckedCount(dataset, sizeof(T)).status());
  std::vector<hsize_t> size = Shape(dataset);
  if (size.empty() || first < 0 || count < 0 ||
      static_cast<uint64_t>(first) + static_cast<uint64_t>(count) > size[0]) {
    return absl::InvalidArgumentError(absl::StrCat("has no values ", first, " to ", first + count));
  }
  std::vector<hsize_t> start(size.size(), 0);
  start[0] = static_cast<hsize_t>(first);
  size[0] = static_cast<hsize_t>(count);
  hsize_t total = 1;
  for (const hsize_t extent : size) total *= extent;
  std::vector<T> numbers(total);
  if (total == 0) return numbers;
  const Handle selection(H5Dget_space(dataset));
  H5Sselect_hyperslab(selection.get(), H5S_SELECT_SET, start.data(), nullptr, size.data(), nullptr);
  const Handle memory(H5Screate_simple(static_cast<int>(size.size()), size.data(), nullptr));
  const Handle type(H5Tcopy(NativeType<T>()));
  UNLASTING_RETURN_IF_ERROR(ReadInto(dataset, type, numbers.data(), memory, selection));
  return numbers;
}

template absl::StatusOr<std::vector<float>> ReadNumbersBetween<float>(hid_t, int64_t, int64_t);
template absl::StatusOr<std::vector<int32_t>> ReadNumbersBetween<int32_t>(hid_t, int64_t, int64_t);
template absl::StatusOr<std::vector<int64_t>> ReadNumbersBetween<int64_t>(hid_t, int64_t, int64_t);
template absl::StatusOr<std::vector<float>> ReadNumbers<float>(const Values&);
template absl::StatusOr<std::vector<double>> ReadNumbers<double>(const Values&);
template absl::StatusOr<std::vector<int64_t>> ReadNumbers<int64_t>(const Values&);
template absl::StatusOr<std::vector<int32_t>> ReadIntegers<int32_t>(const Values&);
template absl::StatusOr<std::vector<int64_t>> ReadIntegers<int64_t>(const Values&);

absl::StatusOr<std::vector<double>> ReadLogicals(const Values& values) {
  const ValueClass found = ClassOf(values);
  if (found != ValueClass::kLogical) return Unexpected(found, "logicals");
  UNLASTING_ASSIGN_OR_RETURN(const size_t count, CheckedCount(values, sizeof(double)));
  const Handle type = ElementType(TypeOf(values));
  const auto names = MemberNames(type.get());
  std::vector<double> of_byte(256, std::numeric_limits<double>::quiet_NaN());
  for (unsigned k = 0; k < names.size(); ++k) {
    uint8_t byte = 0;
    H5Tget_member_value(type.get(), k, &byte);
    if (names[k] != "NA") of_byte[byte] = names[k] == "TRUE" ? 1 : 0;
  }
  std::vector<uint8_t> bytes(count);
  if (count == 0) return std::vector<double>();
  UNLASTING_RETURN_IF_ERROR(ReadInto(values, MemoryType(values, type.get()), bytes.data()));
  std::vector<double> logicals;
  for (const uint8_t byte : bytes) logicals.push_back(of_byte[byte]);
  return logicals;
}

absl::StatusOr<std::vector<std::string>> ReadStrings(const Values& values) {
  const ValueClass found = ClassOf(values);
  if (found != ValueClass::kString) return Unexpected(found, "strings");
  const Handle type = ElementType(TypeOf(values));
  const size_t size = H5Tget_size(type.get());
  if (size == 0) return absl::InvalidArgumentError("its strings have no length");
  UNLASTING_ASSIGN_OR_RETURN(const size_t count, CheckedCount(values, size));
  std::vector<std::string> strings;
  if (count == 0) return strings;
  const Handle memory_type = MemoryType(values, type.get());
  if (H5Tis_variable_str(type.get()) > 0) {
    std::vector<char*> pointers(count, nullptr);
    const absl::Status read = ReadInto(values, memory_type, pointers.data());
    strings.reserve(count);
    for (const char* text : pointers) strings.push_back(ToUtf8(text == nullptr ? "" : text));
    const Handle space(H5Dget_space(values.dataset));
    H5Dvlen_reclaim(memory_type.get(), space.get(), H5P_DEFAULT, pointers.data());
    if (!read.ok()) return read;
    return strings;
  }
  std::vector<char> buffer(size * count);
  UNLASTING_RETURN_IF_ERROR(ReadInto(values, memory_type, buffer.data()));
  strings.reserve(count);
  for (size_t at = 0; at < buffer.size(); at += size) {
    strings.push_back(ToUtf8(std::string(&buffer[at], strnlen(&buffer[at], size))));
  }
  return strings;
}

}  // namespace unlasting::anndata
