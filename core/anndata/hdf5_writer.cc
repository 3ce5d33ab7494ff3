#include "core/anndata/hdf5_writer.h"

#include <algorithm>
#include <utility>

namespace unlasting::anndata {
namespace {

Handle StringType() {
  Handle type(H5Tcopy(H5T_C_S1));
  H5Tset_size(type.get(), H5T_VARIABLE);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  return type;
}

Handle BooleanType() {
  Handle type(H5Tenum_create(H5T_STD_I8LE));
  int8_t value = 0;
  H5Tenum_insert(type.get(), "FALSE", &value);
  value = 1;
  H5Tenum_insert(type.get(), "TRUE", &value);
  return type;
}

std::vector<const char*> Pointers(const std::vector<std::string>& values) {
  std::vector<const char*> pointers;
  pointers.reserve(values.size());
  for (const auto& value : values) pointers.push_back(value.c_str());
  return pointers;
}

}  // namespace

Handle Hdf5Writer::Group(hid_t parent, const std::string& name, const char* encoding,
                         const char* version) {
  Handle group(H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
  Check(group.get());
  Encoding(group.get(), encoding, version);
  return group;
}

void Hdf5Writer::Encoding(hid_t object, const char* encoding, const char* version) {
  Attribute(object, "encoding-type", encoding);
  Attribute(object, "encoding-version", version);
}

void Hdf5Writer::Attribute(hid_t object, const char* name, const std::string& value) {
  const Handle type = StringType();
  const Handle space(H5Screate(H5S_SCALAR));
  const Handle attribute(
      H5Acreate2(object, name, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT));
  const char* text = value.c_str();
  Check(H5Awrite(attribute.get(), type.get(), &text));
}

void Hdf5Writer::Attribute(hid_t object, const char* name, const std::vector<std::string>& values) {
  const Handle type = StringType();
  const hsize_t size = values.size();
  const Handle space(H5Screate_simple(1, &size, nullptr));
  const Handle attribute(
      H5Acreate2(object, name, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT));
  Check(attribute.get());
  if (values.empty()) return;
  const auto pointers = Pointers(values);
  Check(H5Awrite(attribute.get(), type.get(), pointers.data()));
}

void Hdf5Writer::Attribute(hid_t object, const char* name, const std::vector<int64_t>& values) {
  const hsize_t size = values.size();
  const Handle space(H5Screate_simple(1, &size, nullptr));
  const Handle attribute(
      H5Acreate2(object, name, H5T_STD_I64LE, space.get(), H5P_DEFAULT, H5P_DEFAULT));
  Check(H5Awrite(attribute.get(), H5T_NATIVE_INT64, values.data()));
}

void Hdf5Writer::Flag(hid_t object, const char* name, bool value) {
  const Handle type = BooleanType();
  const Handle space(H5Screate(H5S_SCALAR));
  const Handle attribute(
      H5Acreate2(object, name, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT));
  const int8_t byte = value ? 1 : 0;
  Check(H5Awrite(attribute.get(), type.get(), &byte));
}

void Hdf5Writer::Numbers(hid_t group, const std::string& name, hid_t file_type, hid_t memory_type,
                         const void* data, std::vector<hsize_t> shape) {
  const Handle dataset = Dataset(group, name, file_type, std::move(shape));
  Check(H5Dwrite(dataset.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data));
  Encoding(dataset.get(), "array", "0.2.0");
}

void Hdf5Writer::Strings(hid_t group, const std::string& name,
                         const std::vector<std::string>& values) {
  const Handle type = StringType();
  const Handle dataset = Dataset(group, name, type.get(), {values.size()});
  const auto pointers = Pointers(values);
  if (!values.empty()) {
    Check(H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, pointers.data()));
  }
  Encoding(dataset.get(), "string-array", "0.2.0");
}

void Hdf5Writer::Booleans(hid_t group, const std::string& name, const std::vector<bool>& values) {
  const std::vector<int8_t> bytes(values.begin(), values.end());
  const Handle type = BooleanType();
  Numbers(group, name, type.get(), type.get(), bytes.data(), {bytes.size()});
}

void Hdf5Writer::Bare(hid_t group, const char* name, hid_t file_type, hid_t memory_type,
                      const void* data, size_t size) {
  const Handle dataset = Dataset(group, name, file_type, {size});
  if (size > 0) Check(H5Dwrite(dataset.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data));
}

void Hdf5Writer::Scalar(hid_t group, const std::string& name, hid_t file_type, hid_t memory_type,
                        const void* data) {
  const Handle dataset = ScalarDataset(group, name, file_type);
  Check(H5Dwrite(dataset.get(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data));
  Encoding(dataset.get(), "numeric-scalar", "0.2.0");
}

void Hdf5Writer::Scalar(hid_t group, const std::string& name, const std::string& value) {
  const Handle type = StringType();
  const Handle dataset = ScalarDataset(group, name, type.get());
  const char* text = value.c_str();
  Check(H5Dwrite(dataset.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, &text));
  Encoding(dataset.get(), "string", "0.2.0");
}

void Hdf5Writer::BooleanScalar(hid_t group, const std::string& name, bool value) {
  const Handle type = BooleanType();
  const int8_t byte = value ? 1 : 0;
  Scalar(group, name, type.get(), type.get(), &byte);
}

Handle Hdf5Writer::Dataset(hid_t group, const std::string& name, hid_t type,
                           std::vector<hsize_t> shape) {
  constexpr hsize_t kChunkValues = 1 << 16;
  const Handle space(H5Screate_simple(static_cast<int>(shape.size()), shape.data(), nullptr));
  const Handle plist(H5Pcreate(H5P_DATASET_CREATE));
  // The same data give the same bytes, and a bundle's hash of them.
  H5Pset_obj_track_times(plist.get(), false);
  hsize_t total = 1;
  for (const hsize_t extent : shape) total *= extent;
  if (total > 0 && gzip_level_ > 0) {
    std::vector<hsize_t> chunk = shape;
    const hsize_t row = total / shape[0];
    chunk[0] = std::clamp<hsize_t>(kChunkValues / std::max<hsize_t>(row, 1), 1, shape[0]);
    H5Pset_chunk(plist.get(), static_cast<int>(chunk.size()), chunk.data());
    H5Pset_shuffle(plist.get());
    H5Pset_deflate(plist.get(), static_cast<unsigned>(gzip_level_));
  }
  Handle dataset(
      H5Dcreate2(group, name.c_str(), type, space.get(), H5P_DEFAULT, plist.get(), H5P_DEFAULT));
  Check(dataset.get());
  return dataset;
}

Handle Hdf5Writer::ScalarDataset(hid_t group, const std::string& name, hid_t type) {
  const Handle space(H5Screate(H5S_SCALAR));
  const Handle plist(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_obj_track_times(plist.get(), false);
  Handle dataset(
      H5Dcreate2(group, name.c_str(), type, space.get(), H5P_DEFAULT, plist.get(), H5P_DEFAULT));
  Check(dataset.get());
  return dataset;
}

}  // namespace unlasting::anndata
