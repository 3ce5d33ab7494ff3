#include "server/process.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "absl/strings/str_cat.h"
#include "server/base/logging.h"
#include "server/listener.h"
#include "server/server.h"

namespace unlasting::server {
namespace {

// Fewer file descriptors than this leave little for connections.
constexpr int64_t kFewFiles = 1024;

std::atomic<Server*> reloading{nullptr};

void OnHangUp(int) {
  Server* const server = reloading;
  if (server != nullptr) server->RequestReload();
}

void ForbidCoreDumps() {
  const rlimit none = {0, 0};
  setrlimit(RLIMIT_CORE, &none);
  // The limit does not hold where the system pipes dumps to a program; this does.
  prctl(PR_SET_DUMPABLE, 0);
}

}  // namespace

void PrepareProcess(const ServerConfig& config) {
  std::signal(SIGPIPE, SIG_IGN);
  ReloadOnHangUp(nullptr);
  if (!config.core_dumps()) ForbidCoreDumps();
  const int64_t files = RaiseFileLimit();
  if (files < kFewFiles) {
    LogEvent(LogLevel::kWarning, "few files may be open",
             {{"limit", absl::StrCat(files)}, {"hint", "raise it with ulimit -n"}});
  }
  if (geteuid() == 0) {
    LogEvent(LogLevel::kWarning, "started as root",
             {{"hint", "run the server as a user that can write nothing"}});
  }
}

void ReloadOnHangUp(Server* server) {
  reloading = server;
  struct sigaction before = {};
  if (sigaction(SIGHUP, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) return;
  struct sigaction action = {};
  action.sa_handler = OnHangUp;
  action.sa_flags = SA_RESTART;
  sigaction(SIGHUP, &action, nullptr);
}

void ExitAfter(absl::Duration patience) {
  std::thread([patience] {
    absl::SleepFor(patience);
    LogEvent(LogLevel::kError, "the server did not stop within its grace, and exits");
    std::_Exit(1);
  }).detach();
}

}  // namespace unlasting::server
