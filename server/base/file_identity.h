// A FileIdentity tells its holder whether the file behind a path is still the same, without reading
// the file: two identities of one path differ after a link was pointed elsewhere, a folder was
// replaced, or a file was written to or renamed over.
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
  int64_t modified = 0;  // nanoseconds of the wall clock; only ever compared

  bool operator==(const FileIdentity& other) const {
    return std::tie(exists, device, inode, size, modified) ==
           std::tie(other.exists, other.device, other.inode, other.size, other.modified);
  }
  bool operator!=(const FileIdentity& other) const { return !(*this == other); }
};

// The identity of the file that `path` leads to, links followed. A file that cannot be examined is
// taken not to exist.
FileIdentity IdentityOf(const std::string& path);

}  // namespace unlasting::server
