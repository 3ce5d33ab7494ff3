// ReadProcessStats tells the metrics how much of the machine this process uses.
#pragma once

#include <cstdint>

namespace unlasting::server {

struct ProcessStats {
  double cpu_seconds = 0;  // user and system time
  int64_t resident_bytes = 0;
  int64_t open_files = 0;
  int64_t max_open_files = 0;
  int64_t threads = 0;
  double start_seconds = 0;  // since 1970
};

// Reads /proc. A value that cannot be read is 0. Any thread.
ProcessStats ReadProcessStats();

}  // namespace unlasting::server
