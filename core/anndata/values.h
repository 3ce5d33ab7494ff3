// ReadNumbers and its siblings read the values of a data set, or of one field of a table, as
// vectors. Private to core/anndata; they run within an Hdf5Scope.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/anndata/hdf5.h"
#include "core/anndata/value_types.h"

namespace unlasting::anndata {

// All values, by one H5Dread, converted to T. INVALID_ARGUMENT where the dataset holds something
// else, is damaged or promises more than its file stores (found before memory is asked for);
// FAILED_PRECONDITION where an HDF5 filter is not installed (it is named, with its package);
// UNIMPLEMENTED where the values lie in other files.
template <typename T>
absl::StatusOr<std::vector<T>> ReadNumbers(const Values& values);
// Like ReadNumbers, and refuses fractions.
template <typename T>
absl::StatusOr<std::vector<T>> ReadIntegers(const Values& values);
// The values whose first axis lies in [first, first + count), the other axes whole.
template <typename T>
absl::StatusOr<std::vector<T>> ReadNumbersBetween(hid_t dataset, int64_t first, int64_t count);
// R's logicals as 0 and 1, with NaN for NA.
absl::StatusOr<std::vector<double>> ReadLogicals(const Values& values);
// Always valid UTF-8.
absl::StatusOr<std::vector<std::string>> ReadStrings(const Values& values);

}  // namespace unlasting::anndata
