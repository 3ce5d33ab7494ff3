// Values names the values of a data set, or of one field of a table, for the readers of values.h;
// ClassOf, Shape, TypeOf and their siblings tell of which kind, extent and HDF5 type they are.
// Private to core/anndata; the functions run within an Hdf5Scope and read no values.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/anndata/hdf5.h"

namespace unlasting::anndata {

// Which values: all of a dataset, or one field of a dataset of compound type.
struct Values {
  Values(hid_t dataset_in) : dataset(dataset_in) {}  // NOLINT: a dataset stands for its values.
  Values(hid_t dataset_in, std::string field_in)
      : dataset(dataset_in), field(std::move(field_in)) {}
  hid_t dataset;
  std::string field;
};

// kLogical is R's: FALSE, TRUE or NA.
enum class ValueClass { kInteger, kFloat, kBoolean, kLogical, kString, kCompound, kOther };
ValueClass ClassOf(const Values& values);
// "integers", "strings", ... for messages.
const char* ClassName(ValueClass value_class);

// Extents; {} for a scalar. An array inside a field adds its own axes.
std::vector<hsize_t> Shape(const Values& values);
// H5S_NULL: a dataset that holds nothing, not even a scalar.
bool IsNull(hid_t dataset);
// Field names of a compound dataset, {} for any other.
std::vector<std::string> FieldNames(hid_t dataset);

// The file's type of the values; the field's own where they are a field. Not ok() where there is no
// such field.
Handle TypeOf(const Values& values);
// A field's array, {} for any other type.
std::vector<hsize_t> ArrayShape(const Handle& type);
// The type of one value, below an array.
Handle ElementType(Handle type);
// `element` as it lies in memory: within the array and the one-field table that it is read through.
Handle MemoryType(const Values& values, hid_t element);
// Names of a table's fields or of an enumeration's values, in the file's order.
std::vector<std::string> MemberNames(hid_t type);

}  // namespace unlasting::anndata
