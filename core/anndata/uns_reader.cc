#include <algorithm>

#include "core/anndata/elements.h"

namespace unlasting::anndata {
namespace {

using nlohmann::json;

// Links may lead back up and make a small file endless: nesting, the number of members and the
// number of their values are bounded far above what anybody writes. Members past the bounds are
// left out, values are null.
constexpr int kDeepest = 32;
struct Budget {
  int64_t members = 1 << 16;
  uint64_t values = 1 << 24;
};

template <typename T>
json Nested(const std::vector<T>& values, const std::vector<hsize_t>& shape, size_t axis,
            size_t* next) {
  if (axis == shape.size()) return json(static_cast<T>(values[(*next)++]));
  json array = json::array();
  for (hsize_t k = 0; k < shape[axis]; ++k) array.push_back(Nested(values, shape, axis + 1, next));
  return array;
}

template <typename T>
json Shaped(const absl::StatusOr<std::vector<T>>& values, const std::vector<hsize_t>& shape) {
  if (!values.ok()) return nullptr;
  // Without values an axis beside the empty one may still be of any length.
  if (values->empty()) return json::array();
  size_t next = 0;
  return Nested(*values, shape, 0, &next);
}

// Takes the values of `shape` from the budget where they fit.
bool Spend(const std::vector<hsize_t>& shape, Budget* budget) {
  if (std::count(shape.begin(), shape.end(), 0) > 0) return true;
  uint64_t count = 1;
  for (const hsize_t extent : shape) {
    if (extent > budget->values / count) return false;
    count *= extent;
  }
  if (count > budget->values) return false;
  budget->values -= count;
  return true;
}

json ReadPlain(const Values& values, Budget* budget) {
  const std::vector<hsize_t> shape = Shape(values);
  if (!Spend(shape, budget)) return nullptr;
  switch (ClassOf(values)) {
    case ValueClass::kString:
      return Shaped(ReadStrings(values), shape);
    case ValueClass::kInteger:
      return Shaped(ReadNumbers<int64_t>(values), shape);
    case ValueClass::kFloat:
      return Shaped(ReadNumbers<double>(values), shape);
    case ValueClass::kBoolean: {
      const auto flags = ReadNumbers<int64_t>(values);
      if (!flags.ok()) return nullptr;
      return Shaped<bool>(std::vector<bool>(flags->begin(), flags->end()), shape);
    }
    default:
      return nullptr;
  }
}

json ReadLeaf(hid_t dataset, Budget* budget) {
  if (IsNull(dataset)) return nullptr;
  const auto fields = FieldNames(dataset);
  if (fields.empty()) return ReadPlain(dataset, budget);
  json table = json::object();
  for (const auto& field : fields) table[ToUtf8(field)] = ReadPlain(Values(dataset, field), budget);
  return table;
}

json CategoricalAsArray(hid_t group, Budget* budget) {
  const Handle codes(H5Dopen2(group, "codes", H5P_DEFAULT));
  if (!codes.ok() || !Spend(Shape(codes.get()), budget)) return nullptr;
  const auto column = ReadCategoricalGroup(group);
  if (!column.ok()) return nullptr;
  const auto& categorical = std::get<Categorical>(*column);
  json array = json::array();
  for (const int32_t code : categorical.codes) {
    array.push_back(code < 0 ? json() : json(categorical.categories[code]));
  }
  return array;
}

json NullableAsArray(hid_t group, Budget* budget) {
  const Handle values(H5Dopen2(group, "values", H5P_DEFAULT));
  if (!values.ok() || !Spend(Shape(values.get()), budget)) return nullptr;
  const auto column = ReadNullableGroup(group);
  if (!column.ok()) return nullptr;
  return std::visit(
      [](const auto& list) {
        json array = json::array();
        if constexpr (!std::is_same_v<std::decay_t<decltype(list)>, Categorical>) {
          for (const auto& value : list) array.push_back(json(value));
        }
        return array;
      },
      *column);
}

json ReadGroup(hid_t group, int depth, Budget* budget) {
  const std::string encoding = StringAttribute(group, "encoding-type");
  if (encoding == "categorical") return CategoricalAsArray(group, budget);
  if (encoding.rfind("nullable-", 0) == 0) return NullableAsArray(group, budget);
  if (encoding == "csr_matrix" || encoding == "csc_matrix" ||
      HasAttribute(group, "h5sparse_format")) {
    return nullptr;
  }
  json mapping = json::object();
  if (depth > kDeepest) return mapping;
  for (const auto& name : Members(group)) {
    if (--budget->members < 0) break;
    json& value = mapping[ToUtf8(name)];
    const Handle object(H5Oopen(group, name.c_str(), H5P_DEFAULT));
    if (!object.ok()) continue;
    if (H5Iget_type(object.get()) == H5I_GROUP) {
      value = ReadGroup(object.get(), depth + 1, budget);
    } else if (H5Iget_type(object.get()) == H5I_DATASET) {
      value = ReadLeaf(object.get(), budget);
    }
  }
  return mapping;
}

}  // namespace

json ReadMapping(hid_t group) {
  Budget budget;
  json mapping = ReadGroup(group, 0, &budget);
  return mapping.is_object() ? mapping : json::object();
}

}  // namespace unlasting::anndata
