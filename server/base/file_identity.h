// Whether the file behind a path is still the same, without reading it: sees a link that leads
// elsewhere, a folder that was replaced, a file that was renamed over or written to.
#pragma once

#include <cstdint>
#include <string>
#include <tuple>

namespace unlasting::server {

struct FileIdentity {
  bool exists = false;
  uint64_t device = 0;
  uint64_t inode = 0;
  int64_t size = 0;      // bytes
  int64_t modified = 0;  // nanoseconds, of the machine's wall clock; only compared

  bool operator==(const FileIdentity& other) const {
    return std::tie(exists, device, inode, size, modified) ==
           std::tie(other.exists, other.device, other.inode, other.size, other.modified);
  }
  bool operator!=(const FileIdentity& other) const { return !(*this == other); }
};

// Follows links. A file that cannot be looked at does not exist.
FileIdentity IdentityOf(const std::string& path);

}  // namespace unlasting::server
