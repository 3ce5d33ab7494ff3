// unlasting-train: from .h5ad files to bundles, and scores of what bundles predict.
#include <cstdio>
#include <vector>

#include "CLI/CLI.hpp"
#include "core/anndata/crash_guard.h"
#include "core/base/version.h"
#include "core/cli/exit_code.h"
#include "core/cli/interrupt.h"
#include "trainer/commands/command.h"

namespace unlasting::trainer {

namespace {

constexpr char kExamples[] = R"(
Examples:
  unlasting-train inspect cells.h5ad
  unlasting-train fit --data cells.h5ad --out models/k562 --set split=conditions --set steps=20000
  unlasting-train evaluate --bundle models/k562 --data cells.h5ad --report report.html
  unlasting-train prepare --data cells.h5ad --out prepared.h5ad
  unlasting-train network --data cells.h5ad --out grn.tsv
  unlasting-train simulate --out simulated.h5ad --cells 5000 --genes 500 --perturbations 20
  unlasting-train metrics --predicted p.h5ad --truth t.h5ad --control c.h5ad --json
)";

int Main(int argc, char** argv) {
  CLI::App app("Trains and scores models of single-cell responses to perturbations.",
               "unlasting-train");
  app.set_version_flag("--version", std::string("unlasting-train ") + kVersion);
  app.require_subcommand(1);
  app.footer(kExamples);
  const std::vector<Command> commands = {AddFitCommand(app),     AddEvaluateCommand(app),
                                         AddMetricsCommand(app), AddPrepareCommand(app),
                                         AddNetworkCommand(app), AddSimulateCommand(app),
                                         AddInspectCommand(app)};
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version end with 0, bad usage with 2.
    return app.exit(error) == 0 ? 0 : 2;
  }
  anndata::GuardAgainstCrashes(true);
  cli::HandleInterrupts();
  for (const Command& command : commands) {
    if (!command.app->parsed()) continue;
    const absl::Status status = command.run();
    if (status.ok()) return 0;
    // Ranks that leave the word to rank 0 have none.
    if (!status.message().empty()) {
      std::fprintf(stderr, "unlasting-train: %s\n", std::string(status.message()).c_str());
    }
    return cli::ExitCode(status);
  }
  return 2;
}

}  // namespace
}  // namespace unlasting::trainer

int main(int argc, char** argv) { return unlasting::trainer::Main(argc, argv); }
