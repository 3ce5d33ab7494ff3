// Which version of a name answers requests that state none. Pure functions.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace unlasting::server {

// Versions as people count them: runs of digits compare as numbers, all else as letters, so that
// "1.9" is before "1.10" and "1" before "1.0". A strict weak order.
bool VersionBefore(absl::string_view a, absl::string_view b);

struct VersionInfo {
  std::string version;
  bool pinned = false;  // by the operator
};

// Index of the highest pinned version, else of the highest. `versions` must not be empty.
size_t DefaultVersion(const std::vector<VersionInfo>& versions);

}  // namespace unlasting::server
