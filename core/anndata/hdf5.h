// The few HDF5 calls that the readers and writers share, with handles that close themselves.
// Private to core/anndata.
#pragma once

#include <hdf5.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace unlasting::anndata {

// Owns an HDF5 identifier of any kind.
class Handle {
 public:
  Handle() = default;
  explicit Handle(hid_t id) : id_(id) {}
  ~Handle() { Close(); }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, -1)) {}
  Handle& operator=(Handle&& other) noexcept {
    Close();
    id_ = std::exchange(other.id_, -1);
    return *this;
  }
  hid_t get() const { return id_; }
  bool ok() const { return id_ >= 0; }

 private:
  void Close() {
    if (id_ >= 0) H5Idec_ref(id_);
    id_ = -1;
  }
  hid_t id_ = -1;
};

// HDF5 prints its error stack by default; our errors are one line each.
void SilenceHdf5();

bool LinkExists(hid_t group, const std::string& name);
bool IsGroup(hid_t group, const std::string& name);
// Member names in the file's name order.
std::vector<std::string> Members(hid_t group);

bool HasAttribute(hid_t object, const std::string& name);
// A scalar string attribute (fixed or variable length); "" where absent or of another type.
std::string StringAttribute(hid_t object, const std::string& name);
std::vector<std::string> StringsAttribute(hid_t object, const std::string& name);
std::vector<int64_t> IntegersAttribute(hid_t object, const std::string& name);

// Extent of a dataset; {} for a scalar.
std::vector<hsize_t> Shape(hid_t dataset);
enum class ValueClass { kInteger, kFloat, kBoolean, kString, kCompound, kOther };
ValueClass ClassOf(hid_t type);
ValueClass ClassOfDataset(hid_t dataset);

// All values of a numeric (integer, float, boolean) dataset, converted. INVALID_ARGUMENT where it
// holds something else or cannot be read, UNIMPLEMENTED where a filter is missing (named).
template <typename T>
absl::StatusOr<std::vector<T>> ReadNumbers(hid_t dataset);
absl::StatusOr<std::vector<std::string>> ReadStrings(hid_t dataset);

}  // namespace unlasting::anndata
