// unlasting-server serves bundles over gRPC until it is told to stop.
#include "core/base/status.h"
#include "core/cli/exit_code.h"
#include "core/cli/interrupt.h"
#include "server/base/logging.h"
#include "server/config/flags.h"
#include "server/server.h"

namespace unlasting::server {
namespace {

absl::Status Run(int argc, char** argv) {
  UNLASTING_ASSIGN_OR_RETURN(const auto config, ParseFlags(argc, argv));
  if (!config.has_value()) return absl::OkStatus();
  UNLASTING_RETURN_IF_ERROR(SetUpLogging(config->log_format(), config->log_level()));
  // Draining has a bound of its own: grace_seconds.
  UNLASTING_RETURN_IF_ERROR(cli::HandleInterrupts(cli::SecondSignal::kIsIgnored));
  UNLASTING_ASSIGN_OR_RETURN(const auto server, Server::Start(*config, Clock::Steady()));
  cli::WaitForInterrupt();
  server->Drain();
  return absl::OkStatus();
}

}  // namespace
}  // namespace unlasting::server

int main(int argc, char** argv) {
  return unlasting::cli::ReportError("unlasting-server", unlasting::server::Run(argc, argv));
}
