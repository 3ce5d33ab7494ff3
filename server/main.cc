#include <algorithm>
#include <csignal>
#include <iostream>
#include <string>

#include "core/base/exit_code.h"
#include "server/flags.h"
#include "server/logging.h"
#include "server/server.h"

namespace {

int Run(int argc, char** argv) {
  using namespace unlasting::server;  // NOLINT(google-build-using-namespace)
  const auto fail = [](const absl::Status& status) {
    std::string message(status.message());
    std::replace(message.begin(), message.end(), '\n', ' ');
    std::cerr << "unlasting-server: " << message << "\n";
    return unlasting::ExitCode(status);
  };
  // Blocked before any thread starts, so that all inherit it and only sigwait sees the signals.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  const auto config = ParseFlags(argc, argv);
  if (!config.ok()) return fail(config.status());
  if (!config->has_value()) return 0;
  const absl::Status logging = SetUpLogging((*config)->log_format(), (*config)->log_level());
  if (!logging.ok()) return fail(logging);

  const auto server = Server::Start(**config, Clock::Steady());
  if (!server.ok()) return fail(server.status());
  int signal = 0;
  sigwait(&signals, &signal);
  (*server)->Drain();
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return Run(argc, argv); }
