// unlasting is the command-line client of unlasting-server.
#include <cstdlib>
#include <map>
#include <string>

#include "CLI/CLI.hpp"
#include "client/commands/commands.h"
#include "client/transport/cancellation.h"
#include "core/anndata/crash_guard.h"
#include "core/base/status.h"
#include "core/base/version.h"
#include "core/cli/command_line.h"
#include "core/cli/exit_code.h"
#include "core/cli/interrupt.h"
#include "grpc/support/log.h"

namespace unlasting::client {
namespace {

constexpr char kExamples[] = R"(Examples:
  unlasting models --server 127.0.0.1:50051
  unlasting predict --control thp1.h5ad --gene STAT1 --cell-type THP-1 --out stat1.h5ad
  unlasting predict --help
)";

// gRPC's own messages would stand beside our one line; GRPC_VERBOSITY still asks for them.
void SilenceGrpc() {
  if (std::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function([](gpr_log_func_args*) {});
}

absl::Status Run(int argc, char** argv) {
  SilenceGrpc();
  anndata::GuardAgainstCrashes(true);
  CLI::App app("Asks an unlasting-server how single cells respond to perturbations.", "unlasting");
  app.footer(kExamples);
  app.set_version_flag("--version", VersionText("unlasting"));
  app.require_subcommand(1);
  const std::map<std::string, Command> commands = {
      {"predict", AddPredictCommand(&app)}, {"screen", AddScreenCommand(&app)},
      {"load", AddLoadCommand(&app)},       {"models", AddModelsCommand(&app)},
      {"model", AddModelCommand(&app)},     {"health", AddHealthCommand(&app)}};
  UNLASTING_ASSIGN_OR_RETURN(const bool goes_on, cli::ParseArguments(argc, argv, &app));
  if (!goes_on) return absl::OkStatus();
  UNLASTING_RETURN_IF_ERROR(cli::HandleInterrupts());
  Cancellation cancellation;
  UNLASTING_ASSIGN_OR_RETURN(const auto on_interrupt,
                             cli::OnInterrupt::Start([&] { cancellation.Cancel(); }));
  return commands.at(app.get_subcommands().front()->get_name())(&cancellation);
}

}  // namespace
}  // namespace unlasting::client

int main(int argc, char** argv) {
  unlasting::MutableBuildTag() = unlasting::kBuildTag;
  return unlasting::cli::ReportError("unlasting", unlasting::client::Run(argc, argv));
}
