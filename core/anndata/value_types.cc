#include "core/anndata/value_types.h"

#include <algorithm>
#include <set>

namespace unlasting::anndata {
namespace {

// numpy writes booleans as an enumeration of FALSE and TRUE in one byte, and R adds NA.
ValueClass ClassOfEnumeration(hid_t type) {
  if (H5Tget_size(type) != 1) return ValueClass::kOther;
  const auto names = MemberNames(type);
  if (names.size() == 2) return ValueClass::kBoolean;
  const bool logical = std::set<std::string>(names.begin(), names.end()) ==
                       std::set<std::string>{"FALSE", "TRUE", "NA"};
  return logical ? ValueClass::kLogical : ValueClass::kOther;
}

ValueClass ClassOfType(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      return ValueClass::kInteger;
    case H5T_FLOAT:
      return ValueClass::kFloat;
    case H5T_STRING:
      return ValueClass::kString;
    case H5T_COMPOUND:
      return ValueClass::kCompound;
    case H5T_ENUM:
      return ClassOfEnumeration(type);
    default:
      return ValueClass::kOther;
  }
}

}  // namespace

Handle TypeOf(const Values& values) {
  Handle type(H5Dget_type(values.dataset));
  if (values.field.empty() || !type.ok()) return type;
  if (H5Tget_class(type.get()) != H5T_COMPOUND) return Handle();
  const int index = H5Tget_member_index(type.get(), values.field.c_str());
  return index < 0 ? Handle() : Handle(H5Tget_member_type(type.get(), index));
}

std::vector<hsize_t> ArrayShape(const Handle& type) {
  if (!type.ok() || H5Tget_class(type.get()) != H5T_ARRAY) return {};
  const int rank = H5Tget_array_ndims(type.get());
  std::vector<hsize_t> shape(rank > 0 ? rank : 0);
  if (rank > 0) H5Tget_array_dims2(type.get(), shape.data());
  return shape;
}

Handle ElementType(Handle type) {
  return ArrayShape(type).empty() ? std::move(type) : Handle(H5Tget_super(type.get()));
}

Handle MemoryType(const Values& values, hid_t element) {
  Handle type(H5Tcopy(element));
  const auto array = ArrayShape(TypeOf(values));
  if (!array.empty()) {
    type = Handle(H5Tarray_create2(type.get(), static_cast<unsigned>(array.size()), array.data()));
  }
  if (values.field.empty()) return type;
  Handle table(H5Tcreate(H5T_COMPOUND, H5Tget_size(type.get())));
  H5Tinsert(table.get(), values.field.c_str(), 0, type.get());
  return table;
}

std::vector<std::string> MemberNames(hid_t type) {
  std::vector<std::string> names;
  for (int k = 0; k < H5Tget_nmembers(type); ++k) {
    char* name = H5Tget_member_name(type, static_cast<unsigned>(k));
    if (name == nullptr) continue;
    names.emplace_back(name);
    H5free_memory(name);
  }
  return names;
}

ValueClass ClassOf(const Values& values) {
  const Handle type = ElementType(TypeOf(values));
  return type.ok() ? ClassOfType(type.get()) : ValueClass::kOther;
}

const char* ClassName(ValueClass value_class) {
  constexpr const char* kNames[] = {"integers", "floats",  "booleans",    "logicals",
                                    "strings",  "a table", "another type"};
  return kNames[static_cast<int>(value_class)];
}

bool IsNull(hid_t dataset) {
  const Handle space(H5Dget_space(dataset));
  return H5Sget_simple_extent_type(space.get()) == H5S_NULL;
}

std::vector<hsize_t> Shape(const Values& values) {
  const Handle space(H5Dget_space(values.dataset));
  const int rank = H5Sget_simple_extent_ndims(space.get());
  std::vector<hsize_t> shape(std::max(rank, 0));
  if (rank > 0) H5Sget_simple_extent_dims(space.get(), shape.data(), nullptr);
  for (const hsize_t extent : ArrayShape(TypeOf(values))) shape.push_back(extent);
  return shape;
}

std::vector<std::string> FieldNames(hid_t dataset) {
  const Handle type(H5Dget_type(dataset));
  if (!type.ok() || H5Tget_class(type.get()) != H5T_COMPOUND) return {};
  return MemberNames(type.get());
}

}  // namespace unlasting::anndata
