#include "server/metrics/process_stats.h"

#include <sys/resource.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace unlasting::server {
namespace {

// Seconds since 1970 at which the machine started.
double BootSeconds() {
  std::ifstream stat("/proc/stat");
  std::string word;
  double seconds = 0;
  while (stat >> word) {
    if (word == "btime") {
      stat >> seconds;
      break;
    }
  }
  return seconds;
}

int64_t CountOpenFiles() {
  std::error_code error;
  int64_t count = 0;
  for (std::filesystem::directory_iterator each("/proc/self/fd", error), end; !error && each != end;
       each.increment(error)) {
    ++count;
  }
  return count;
}

}  // namespace

ProcessStats ReadProcessStats() {
  ProcessStats stats;
  std::ifstream stat("/proc/self/stat");
  std::string line;
  std::getline(stat, line);
  // The name of the program, in parentheses, may contain blanks.
  std::istringstream fields(
      line.substr(line.rfind(')') == std::string::npos ? 0 : line.rfind(')') + 1));
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  std::string field;
  // proc(5) counts fields from 1; the first one here is the third, the state.
  for (int number = 3; fields >> field; ++number) {
    const auto value = static_cast<double>(std::strtoll(field.c_str(), nullptr, 10));
    if (number == 14 || number == 15) stats.cpu_seconds += value / ticks;
    if (number == 20) stats.threads = static_cast<int64_t>(value);
    if (number == 22) stats.start_seconds = BootSeconds() + value / ticks;
    if (number == 24) stats.resident_bytes = static_cast<int64_t>(value) * sysconf(_SC_PAGESIZE);
  }
  stats.open_files = CountOpenFiles();
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    stats.max_open_files = static_cast<int64_t>(limit.rlim_cur);
  }
  return stats;
}

}  // namespace unlasting::server
