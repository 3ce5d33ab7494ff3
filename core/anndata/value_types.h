// TypeOf and its siblings tell of which HDF5 type the values of a data set, or of one field of a
// table, are. Private to core/anndata; they run within an Hdf5Scope. ClassOf and Shape (values.h)
// build on them.
#pragma once

#include <string>
#include <vector>

#include "core/anndata/hdf5.h"
#include "core/anndata/values.h"

namespace unlasting::anndata {

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
