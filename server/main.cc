// unlasting-server serves bundles over gRPC until it is told to stop.
#include <cstdlib>

#include "core/base/status.h"
#include "core/base/version.h"
#include "core/cli/exit_code.h"
#include "core/cli/interrupt.h"
#include "server/base/logging.h"
#include "server/base/out_of_memory.h"
#include "server/config/flags.h"
#include "server/process.h"
#include "server/server.h"

namespace unlasting::server {
namespace {

// What stopping may take beyond grace_seconds: the current step, and closing what is left.
constexpr absl::Duration kStopPatience = absl::Seconds(10);

absl::Status Run(int argc, char** argv) {
  UNLASTING_ASSIGN_OR_RETURN(const auto config, ParseFlags(argc, argv));
  if (!config.has_value()) return absl::OkStatus();
  UNLASTING_RETURN_IF_ERROR(SetUpLogging(config->log_format(), config->log_level()));
  PrepareProcess(*config);
  // Draining has a bound of its own: grace_seconds.
  UNLASTING_RETURN_IF_ERROR(cli::HandleInterrupts(cli::SecondSignal::kIsIgnored));
  UNLASTING_ASSIGN_OR_RETURN(const auto server, Server::Start(*config, Clock::Steady()));
  ReloadOnHangUp(server.get());
  cli::WaitForInterrupt();
  ReloadOnHangUp(nullptr);
  ExitAfter(absl::Seconds(config->grace_seconds()) + kStopPatience);
  server->Drain();
  // Its threads use the server, which must not go.
  if (server->stuck()) std::_Exit(0);
  return absl::OkStatus();
}

}  // namespace
}  // namespace unlasting::server

int main(int argc, char** argv) {
  unlasting::MutableBuildTag() = unlasting::kBuildTag;
  using unlasting::server::WithinMemory;
  return unlasting::cli::ReportError("unlasting-server", WithinMemory<absl::Status>([&] {
                                       return unlasting::server::Run(argc, argv);
                                     }));
}
