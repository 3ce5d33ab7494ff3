// DefaultVersion decides which version of a model responds to calls that name none.
//
// Pure functions; any thread.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace unlasting::server {

// Orders versions as people count them: runs of digits compare as numbers and everything else as
// characters, so that "1.9" is before "1.10" and "1" is before "1.0". A strict weak order.
bool VersionBefore(absl::string_view a, absl::string_view b);

struct VersionInfo {
  std::string version;
  bool pinned = false;  // by the operator
};

// The index of the highest pinned version, or of the highest version where none is pinned.
// `versions` must not be empty.
size_t DefaultVersion(const std::vector<VersionInfo>& versions);

}  // namespace unlasting::server
