// Handle and the functions here wrap the few HDF5 calls that the readers and the writer share.
// Private to core/anndata. Everything here runs within an Hdf5Scope.
#pragma once

#include <hdf5.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace unlasting::anndata {

// Held by every entry of the room while it calls HDF5. Keeps HDF5 from printing its error stack
// (ours are one line each) and leaves the caller's setting as it was; where HDF5 was built without
// thread safety, also keeps other threads out. May be nested.
class Hdf5Scope {
 public:
  Hdf5Scope();
  ~Hdf5Scope();
  Hdf5Scope(const Hdf5Scope&) = delete;
  Hdf5Scope& operator=(const Hdf5Scope&) = delete;

 private:
  std::unique_lock<std::recursive_mutex> lock_;
  H5E_auto2_t print_ = nullptr;
  void* print_data_ = nullptr;
};

// True once a call of HDF5 within any Hdf5Scope of this process has failed for want of memory.
// HDF5 allocates what a damaged file names (a string of 4 GiB, say), so that a process with a limit
// learns here whether a file asks for more.
bool Hdf5LackedMemory();

// Owns an HDF5 identifier of any kind.
class Handle {
 public:
  Handle() = default;
  explicit Handle(hid_t id) : id_(id) {}
  ~Handle() { Close(); }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Handle& operator=(Handle&& other) noexcept {
    Close();
    id_ = std::exchange(other.id_, H5I_INVALID_HID);
    return *this;
  }
  hid_t get() const { return id_; }
  bool ok() const { return id_ >= 0; }
  // False where HDF5 could not finish, as when a file's last bytes find the disk full.
  bool Close() { return id_ < 0 || H5Idec_ref(std::exchange(id_, H5I_INVALID_HID)) >= 0; }

 private:
  hid_t id_ = H5I_INVALID_HID;
};

// `path` may go through groups; false where any link on the way is absent or leads nowhere.
bool LinkExists(hid_t group, const std::string& path);
bool IsGroup(hid_t group, const std::string& path);
// Member names in the file's name order.
std::vector<std::string> Members(hid_t group);

bool HasAttribute(hid_t object, const std::string& name);
// A scalar string attribute (fixed or variable length); "" where absent or of another type.
std::string StringAttribute(hid_t object, const std::string& name);
std::vector<std::string> StringsAttribute(hid_t object, const std::string& name);
std::vector<int64_t> IntegersAttribute(hid_t object, const std::string& name);
// numpy's boolean; false where absent or of another type.
bool FlagAttribute(hid_t object, const std::string& name);
// The dataset that an object reference in the attribute points to; not ok() where there is none.
Handle ReferencedDataset(hid_t object, const std::string& name);

// Valid UTF-8 as it is; anything else is taken for Latin-1, which old files hold.
std::string ToUtf8(std::string text);

}  // namespace unlasting::anndata
