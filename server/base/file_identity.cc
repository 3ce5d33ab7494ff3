#include "server/base/file_identity.h"

#include <sys/stat.h>

namespace unlasting::server {

FileIdentity IdentityOf(const std::string& path) {
  struct stat found = {};
  if (stat(path.c_str(), &found) != 0) return {};
  FileIdentity identity;
  identity.exists = true;
  identity.device = found.st_dev;
  identity.inode = found.st_ino;
  identity.size = found.st_size;
  identity.modified = int64_t{found.st_mtim.tv_sec} * 1000000000 + found.st_mtim.tv_nsec;
  return identity;
}

}  // namespace unlasting::server
