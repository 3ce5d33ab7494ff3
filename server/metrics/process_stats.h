// This process as the system sees it.
#pragma once

#include <cstdint>

namespace unlasting::server {

struct ProcessStats {
  double cpu_seconds = 0;  // user and system
  int64_t resident_bytes = 0;
  int64_t open_files = 0;
  int64_t max_open_files = 0;
  int64_t threads = 0;
  double start_seconds = 0;  // since 1970
};

// From /proc; what cannot be read is 0.
ProcessStats ReadProcessStats();

}  // namespace unlasting::server
