#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <iostream>
#include <string>

#include "core/cli/exit_code.h"
#include "server/base/logging.h"
#include "server/config/flags.h"
#include "server/server.h"

namespace {

// A pipe rather than sigwait: libraries start threads before main, which do not block our signals.
int signal_pipe[2] = {-1, -1};

void OnSignal(int) {
  const int saved = errno;
  const char byte = 0;
  // Full only when a signal is already waiting to be read.
  (void)!write(signal_pipe[1], &byte, 1);
  errno = saved;
}

bool CatchSignals() {
  if (pipe2(signal_pipe, O_CLOEXEC) != 0) return false;
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  return sigaction(SIGINT, &action, nullptr) == 0 && sigaction(SIGTERM, &action, nullptr) == 0;
}

void WaitForSignal() {
  // ThreadSanitizer lets a handler run while a thread is in poll, but not while it is in read.
  pollfd signal = {signal_pipe[0], POLLIN, 0};
  while (poll(&signal, 1, -1) < 0 && errno == EINTR) {
  }
}

int Run(int argc, char** argv) {
  using namespace unlasting::server;  // NOLINT(google-build-using-namespace)
  const auto fail = [](const absl::Status& status) {
    std::string message(status.message());
    std::replace(message.begin(), message.end(), '\n', ' ');
    std::cerr << "unlasting-server: " << message << "\n";
    return unlasting::cli::ExitCode(status);
  };
  const auto config = ParseFlags(argc, argv);
  if (!config.ok()) return fail(config.status());
  if (!config->has_value()) return 0;
  const absl::Status logging = SetUpLogging((*config)->log_format(), (*config)->log_level());
  if (!logging.ok()) return fail(logging);
  if (!CatchSignals()) return fail(absl::InternalError("signals cannot be caught"));

  const auto server = Server::Start(**config, Clock::Steady());
  if (!server.ok()) return fail(server.status());
  WaitForSignal();
  (*server)->Drain();
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return Run(argc, argv); }
