#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <map>
#include <string>

#include "CLI/CLI.hpp"
#include "client/commands/commands.h"
#include "core/anndata/crash_guard.h"
#include "core/base/version.h"
#include "core/cli/exit_code.h"
#include "grpc/support/log.h"

namespace {

constexpr char kExamples[] = R"(Examples:
  unlasting models --server 127.0.0.1:50051
  unlasting predict --control thp1.h5ad --gene STAT1 --cell-type THP-1 --out stat1.h5ad
  unlasting predict --help
)";

// Errors are one line, whatever a server's message holds.
void PrintError(std::string message) {
  std::replace(message.begin(), message.end(), '\n', ' ');
  std::cerr << "unlasting: " << message << "\n";
}

// gRPC's own messages would stand beside our one line; GRPC_VERBOSITY still asks for them.
void SilenceGrpc() {
  if (std::getenv("GRPC_VERBOSITY") == nullptr) gpr_set_log_function([](gpr_log_func_args*) {});
}

int Run(int argc, char** argv) {
  using namespace unlasting::client;  // NOLINT(google-build-using-namespace)
  SilenceGrpc();
  unlasting::anndata::GuardAgainstCrashes(true);
  CLI::App app("Asks an Unlasting server how single cells answer to perturbations.", "unlasting");
  app.footer(kExamples);
  app.set_version_flag("--version", std::string("unlasting ") + unlasting::kVersion);
  app.require_subcommand(1);
  const std::map<std::string, Command> commands = {
      {"predict", AddPredictCommand(&app)}, {"screen", AddScreenCommand(&app)},
      {"load", AddLoadCommand(&app)},       {"models", AddModelsCommand(&app)},
      {"model", AddModelCommand(&app)},     {"health", AddHealthCommand(&app)}};
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {
    return app.exit(success, std::cout, std::cout);
  } catch (const CLI::ParseError& error) {
    PrintError(std::string(error.what()) + "; see --help");
    return 2;
  }
  const absl::Status status = commands.at(app.get_subcommands().front()->get_name())();
  if (!status.ok()) PrintError(std::string(status.message()));
  return unlasting::cli::ExitCode(status);
}

}  // namespace

int main(int argc, char** argv) { return Run(argc, argv); }
