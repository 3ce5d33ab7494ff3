#include "core/anndata/crash_guard.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>

#include "absl/strings/str_cat.h"

namespace unlasting::anndata {
namespace {

bool guard_on = false;
constexpr unsigned kLongestSeconds = 60;

constexpr int kLacksMemoryExit = 3;

// Bytes that a child may add to what it has from its parent: room for any values that deflate can
// put into a file of this size, and for what the libraries need.
uint64_t MemoryAllowance(const std::string& path) {
  constexpr uint64_t kAlways = uint64_t{2} << 30;
  constexpr uint64_t kDeflate = 1100;
  std::error_code error;
  const uintmax_t size = std::filesystem::file_size(path, error);
  return error ? kAlways : kAlways + kDeflate * size;
}

// The bytes of this process that RLIMIT_DATA counts; 0 where they cannot be read.
uint64_t DataBytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  unsigned long pages = 0;  // NOLINT(google-runtime-int): of the format
  const int found = std::fscanf(file, "%*u %*u %*u %*u %*u %lu", &pages);
  std::fclose(file);
  return found == 1 ? uint64_t{pages} * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) : 0;
}

void LimitMemory(uint64_t allowance) {
  const uint64_t data = DataBytes();
  if (data == 0) return;
  rlimit limit = {};
  if (getrlimit(RLIMIT_DATA, &limit) != 0) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, data + allowance);
  setrlimit(RLIMIT_DATA, &limit);
}

// In the child: dies quietly, whatever handlers the program has set.
[[noreturn]] void ReadAndExit(const std::string& path, const std::function<ChildFinding()>& read) {
  for (const int signal : {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGALRM, SIGTERM, SIGINT}) {
    std::signal(signal, SIG_DFL);
  }
  const rlimit no_core = {0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  const int nowhere = open("/dev/null", O_WRONLY);
  if (nowhere >= 0) {
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
  }
  LimitMemory(MemoryAllowance(path));
  alarm(kLongestSeconds);
  _exit(read() == ChildFinding::kLacksMemory ? kLacksMemoryExit : 0);
}

}  // namespace

void GuardAgainstCrashes(bool on) { guard_on = on; }

absl::Status SurvivesInChild(const std::string& path, const std::function<ChildFinding()>& read) {
  if (!guard_on) return absl::OkStatus();
  const pid_t child = fork();
  if (child < 0) return absl::OkStatus();
  if (child == 0) ReadAndExit(path, read);
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return absl::OkStatus();
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return absl::OkStatus();
  // A terminal's Ctrl-C goes to the child too.
  if (WIFSIGNALED(status) && (WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGTERM)) {
    return absl::CancelledError(absl::StrCat("interrupted while ", path, " was read"));
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == kLacksMemoryExit) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": the HDF5 file is damaged: the HDF5 library asks for more than ",
                     MemoryAllowance(path) >> 20, " MiB to read it"));
  }
  const bool late = WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM;
  return absl::InvalidArgumentError(absl::StrCat(path,
                                                 ": the HDF5 file is damaged: the HDF5 library ",
                                                 late ? "finds no end in it" : "crashes on it"));
}

}  // namespace unlasting::anndata
