#include <cmath>

#include "core/anndata/elements.h"
#include "core/anndata/hdf5.h"

namespace unlasting::anndata {
namespace {

using nlohmann::json;

// Deeper nesting than anybody writes; stops links that lead back up.
constexpr int kDeepest = 32;

template <typename T>
json Shaped(const std::vector<T>& values, const std::vector<hsize_t>& shape, size_t axis,
            size_t* next) {
  if (axis == shape.size()) return json(values[(*next)++]);
  json array = json::array();
  for (hsize_t k = 0; k < shape[axis]; ++k) array.push_back(Shaped(values, shape, axis + 1, next));
  return array;
}

template <typename T>
json OrNull(const absl::StatusOr<std::vector<T>>& values, const std::vector<hsize_t>& shape) {
  if (!values.ok()) return nullptr;
  size_t next = 0;
  return Shaped(*values, shape, 0, &next);
}

json ReadLeaf(hid_t dataset) {
  const Handle space(H5Dget_space(dataset));
  if (H5Sget_simple_extent_type(space.get()) == H5S_NULL) return nullptr;
  const std::vector<hsize_t> shape = Shape(dataset);
  switch (ClassOfDataset(dataset)) {
    case ValueClass::kString:
      return OrNull(ReadStrings(dataset), shape);
    case ValueClass::kInteger:
      return OrNull(ReadNumbers<int64_t>(dataset), shape);
    case ValueClass::kFloat:
      return OrNull(ReadNumbers<double>(dataset), shape);
    case ValueClass::kBoolean: {
      const auto values = ReadNumbers<int64_t>(dataset);
      if (!values.ok()) return nullptr;
      if (shape.empty()) return values->at(0) != 0;
      json array = json::array();
      for (const int64_t value : *values) array.push_back(value != 0);
      return array;
    }
    default:
      return nullptr;
  }
}

}  // namespace

json ReadMapping(hid_t group, int depth) {
  json mapping = json::object();
  if (depth > kDeepest) return mapping;
  for (const auto& name : Members(group)) {
    const Handle object(H5Oopen(group, name.c_str(), H5P_DEFAULT));
    if (!object.ok()) {
      mapping[name] = nullptr;
    } else if (H5Iget_type(object.get()) == H5I_GROUP) {
      mapping[name] = ReadMapping(object.get(), depth + 1);
    } else if (H5Iget_type(object.get()) == H5I_DATASET) {
      mapping[name] = ReadLeaf(object.get());
    }
  }
  return mapping;
}

}  // namespace unlasting::anndata
