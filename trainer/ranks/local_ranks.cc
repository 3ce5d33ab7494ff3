#include "trainer/ranks/local_ranks.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "core/base/file.h"
#include "core/base/status.h"

namespace unlasting::trainer {
namespace {

std::vector<char*> Pointers(std::vector<std::string>* texts) {
  std::vector<char*> pointers;
  for (std::string& text : *texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

absl::Status LocalRanks::Start(int size, int port) {
  UNLASTING_ASSIGN_OR_RETURN(std::string line, ReadFile("/proc/self/cmdline"));
  if (!line.empty() && line.back() == '\0') line.pop_back();
  std::vector<std::string> arguments = absl::StrSplit(line, '\0');
  for (int rank = 1; rank < size; ++rank) {
    std::vector<std::string> environment = {
        absl::StrCat("RANK=", rank),        absl::StrCat("LOCAL_RANK=", rank),
        absl::StrCat("WORLD_SIZE=", size),  "MASTER_ADDR=127.0.0.1",
        absl::StrCat("MASTER_PORT=", port), "GLOO_SOCKET_IFNAME=lo"};
    // The first entry of a name counts, so these precede the inherited ones.
    for (char** entry = environ; *entry != nullptr; ++entry) environment.push_back(*entry);
    pid_t process = 0;
    const int error = posix_spawn(&process, "/proc/self/exe", nullptr, nullptr,
                                  Pointers(&arguments).data(), Pointers(&environment).data());
    if (error != 0) {
      return absl::ErrnoToStatus(error, absl::StrCat("rank ", rank, ": cannot be started"));
    }
    processes_.push_back(process);
  }
  return absl::OkStatus();
}

bool LocalRanks::Ended(int rank) {
  if (rank < 1 || rank > static_cast<int>(processes_.size())) return false;
  pid_t& process = processes_[rank - 1];
  if (process != 0 && waitpid(process, nullptr, WNOHANG) == process) process = 0;
  return process == 0;
}

LocalRanks::~LocalRanks() {
  for (const pid_t process : processes_) {
    if (process != 0) kill(process, SIGKILL);
  }
  for (const pid_t process : processes_) {
    if (process != 0) waitpid(process, nullptr, 0);
  }
}

}  // namespace unlasting::trainer
