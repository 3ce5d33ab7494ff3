#include "core/anndata/hdf5.h"

#include <cstring>

#include "absl/strings/str_cat.h"

namespace unlasting::anndata {
namespace {

herr_t CollectName(hid_t, const char* name, const H5L_info_t*, void* names) {
  static_cast<std::vector<std::string>*>(names)->push_back(name);
  return 0;
}

// A memory type for strings in the file type's own layout.
bool IsVariableString(hid_t type) { return H5Tis_variable_str(type) > 0; }

std::string FixedString(const char* data, size_t size) {
  return std::string(data, strnlen(data, size));
}

// Strings of a dataset or attribute, through the two calls that differ between them.
template <typename ReadFunction, typename SpaceFunction>
absl::StatusOr<std::vector<std::string>> ReadStringsWith(hid_t type, SpaceFunction get_space,
                                                         ReadFunction read) {
  const Handle space(get_space());
  const hssize_t points = H5Sget_simple_extent_npoints(space.get());
  if (points < 0) return absl::InvalidArgumentError("its extent cannot be read");
  std::vector<std::string> strings;
  if (points == 0) return strings;
  if (IsVariableString(type)) {
    Handle memory(H5Tcopy(H5T_C_S1));
    H5Tset_size(memory.get(), H5T_VARIABLE);
    H5Tset_cset(memory.get(), H5Tget_cset(type));
    std::vector<char*> pointers(points, nullptr);
    if (read(memory.get(), pointers.data()) < 0) {
      return absl::InvalidArgumentError("its strings cannot be read");
    }
    for (const char* pointer : pointers) strings.emplace_back(pointer == nullptr ? "" : pointer);
    H5Dvlen_reclaim(memory.get(), space.get(), H5P_DEFAULT, pointers.data());
    return strings;
  }
  const size_t size = H5Tget_size(type);
  if (size == 0) return absl::InvalidArgumentError("its strings have no length");
  std::vector<char> buffer(size * static_cast<size_t>(points));
  if (read(type, buffer.data()) < 0)
    return absl::InvalidArgumentError("its strings cannot be read");
  for (hssize_t k = 0; k < points; ++k) strings.push_back(FixedString(&buffer[k * size], size));
  return strings;
}

// Names the first filter of the dataset that this HDF5 cannot apply. A dataset whose values lie in
// other files is refused: a file from outside must not make us read another.
absl::Status CheckFilters(hid_t dataset) {
  const Handle plist(H5Dget_create_plist(dataset));
  if (H5Pget_layout(plist.get()) == H5D_VIRTUAL || H5Pget_external_count(plist.get()) > 0) {
    return absl::UnimplementedError("lies in another file, which this build does not follow");
  }
  const int filters = H5Pget_nfilters(plist.get());
  for (int k = 0; k < filters; ++k) {
    unsigned int flags = 0, config = 0;
    size_t elements = 0;
    char name[64] = {0};
    const H5Z_filter_t filter =
        H5Pget_filter2(plist.get(), k, &flags, &elements, nullptr, sizeof(name), name, &config);
    if (filter >= 0 && H5Zfilter_avail(filter) <= 0) {
      return absl::UnimplementedError(
          absl::StrCat("is compressed with the HDF5 filter ", filter, " (", name,
                       "), which this build lacks; rewrite the file with gzip"));
    }
  }
  return absl::OkStatus();
}

// A header may promise far more than the file holds: chunked data without chunks is refused before
// memory is asked for.
absl::Status CheckSize(hid_t dataset, uint64_t points) {
  constexpr uint64_t kAlwaysFine = uint64_t{1} << 26;
  if (points <= kAlwaysFine || H5Dget_storage_size(dataset) > points / 1100)
    return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("promises ", points, " values but stores ",
                                                 H5Dget_storage_size(dataset), " bytes"));
}

}  // namespace

void SilenceHdf5() { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

bool LinkExists(hid_t group, const std::string& name) {
  return H5Lexists(group, name.c_str(), H5P_DEFAULT) > 0 &&
         H5Oexists_by_name(group, name.c_str(), H5P_DEFAULT) > 0;
}

bool IsGroup(hid_t group, const std::string& name) {
  if (!LinkExists(group, name)) return false;
  const Handle object(H5Oopen(group, name.c_str(), H5P_DEFAULT));
  return object.ok() && H5Iget_type(object.get()) == H5I_GROUP;
}

std::vector<std::string> Members(hid_t group) {
  std::vector<std::string> names;
  hsize_t index = 0;
  H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, &index, CollectName, &names);
  return names;
}

bool HasAttribute(hid_t object, const std::string& name) {
  return H5Aexists(object, name.c_str()) > 0;
}

std::vector<std::string> StringsAttribute(hid_t object, const std::string& name) {
  if (!HasAttribute(object, name)) return {};
  const Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT));
  const Handle type(H5Aget_type(attribute.get()));
  if (!type.ok() || H5Tget_class(type.get()) != H5T_STRING) return {};
  auto strings = ReadStringsWith(
      type.get(), [&] { return H5Aget_space(attribute.get()); },
      [&](hid_t memory, void* out) { return H5Aread(attribute.get(), memory, out); });
  return strings.ok() ? *std::move(strings) : std::vector<std::string>();
}

std::string StringAttribute(hid_t object, const std::string& name) {
  const auto strings = StringsAttribute(object, name);
  return strings.size() == 1 ? strings[0] : "";
}

std::vector<int64_t> IntegersAttribute(hid_t object, const std::string& name) {
  if (!HasAttribute(object, name)) return {};
  const Handle attribute(H5Aopen(object, name.c_str(), H5P_DEFAULT));
  const Handle type(H5Aget_type(attribute.get()));
  if (!type.ok() || H5Tget_class(type.get()) != H5T_INTEGER) return {};
  const Handle space(H5Aget_space(attribute.get()));
  const hssize_t points = H5Sget_simple_extent_npoints(space.get());
  std::vector<int64_t> values(points > 0 ? points : 0);
  if (values.empty() || H5Aread(attribute.get(), H5T_NATIVE_INT64, values.data()) < 0) return {};
  return values;
}

std::vector<hsize_t> Shape(hid_t dataset) {
  const Handle space(H5Dget_space(dataset));
  const int rank = H5Sget_simple_extent_ndims(space.get());
  std::vector<hsize_t> shape(rank > 0 ? rank : 0);
  if (rank > 0) H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
  return shape;
}

ValueClass ClassOf(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return ValueClass::kInteger;
    case H5T_FLOAT:
      return ValueClass::kFloat;
    case H5T_STRING:
      return ValueClass::kString;
    case H5T_COMPOUND:
      return ValueClass::kCompound;
    case H5T_ENUM: {
      // h5py writes numpy booleans as an enumeration of FALSE and TRUE.
      const Handle base(H5Tget_super(type));
      return H5Tget_nmembers(type) == 2 && H5Tget_size(base.get()) == 1 ? ValueClass::kBoolean
                                                                        : ValueClass::kInteger;
    }
    default:
      return ValueClass::kOther;
  }
}

ValueClass ClassOfDataset(hid_t dataset) {
  const Handle type(H5Dget_type(dataset));
  return type.ok() ? ClassOf(type.get()) : ValueClass::kOther;
}

namespace {
template <typename T>
hid_t NativeType();
template <>
hid_t NativeType<float>() {
  return H5T_NATIVE_FLOAT;
}
template <>
hid_t NativeType<double>() {
  return H5T_NATIVE_DOUBLE;
}
template <>
hid_t NativeType<int32_t>() {
  return H5T_NATIVE_INT32;
}
template <>
hid_t NativeType<int64_t>() {
  return H5T_NATIVE_INT64;
}
}  // namespace

template <typename T>
absl::StatusOr<std::vector<T>> ReadNumbers(hid_t dataset) {
  const ValueClass found = ClassOfDataset(dataset);
  if (found != ValueClass::kInteger && found != ValueClass::kFloat &&
      found != ValueClass::kBoolean) {
    return absl::InvalidArgumentError("expected numbers");
  }
  const absl::Status filters = CheckFilters(dataset);
  if (!filters.ok()) return filters;
  uint64_t points = 1;
  for (const hsize_t extent : Shape(dataset)) {
    if (extent != 0 && points > (uint64_t{1} << 40) / extent) {
      return absl::InvalidArgumentError("is too large");
    }
    points *= extent;
  }
  const absl::Status size = CheckSize(dataset, points);
  if (!size.ok()) return size;
  std::vector<T> values(points);
  if (points == 0) return values;
  // HDF5 converts no enumerations to floats: booleans are read as the bytes they are.
  if (found == ValueClass::kBoolean ||
      (found == ValueClass::kInteger &&
       H5Tget_class(Handle(H5Dget_type(dataset)).get()) == H5T_ENUM)) {
    const Handle type(H5Dget_type(dataset));
    if (H5Tget_size(type.get()) != 1) return absl::InvalidArgumentError("expected numbers");
    std::vector<int8_t> bytes(points);
    if (H5Dread(dataset, type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) < 0) {
      return absl::InvalidArgumentError("cannot be read; the file is damaged");
    }
    for (uint64_t k = 0; k < points; ++k) values[k] = static_cast<T>(bytes[k]);
    return values;
  }
  if (H5Dread(dataset, NativeType<T>(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
    return absl::InvalidArgumentError("cannot be read; the file is damaged");
  }
  return values;
}

template absl::StatusOr<std::vector<float>> ReadNumbers<float>(hid_t);
template absl::StatusOr<std::vector<double>> ReadNumbers<double>(hid_t);
template absl::StatusOr<std::vector<int32_t>> ReadNumbers<int32_t>(hid_t);
template absl::StatusOr<std::vector<int64_t>> ReadNumbers<int64_t>(hid_t);

absl::StatusOr<std::vector<std::string>> ReadStrings(hid_t dataset) {
  const Handle type(H5Dget_type(dataset));
  if (!type.ok() || H5Tget_class(type.get()) != H5T_STRING) {
    return absl::InvalidArgumentError("expected strings");
  }
  const absl::Status filters = CheckFilters(dataset);
  if (!filters.ok()) return filters;
  return ReadStringsWith(
      type.get(), [&] { return H5Dget_space(dataset); },
      [&](hid_t memory, void* out) {
        return H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, out);
      });
}

}  // namespace unlasting::anndata
