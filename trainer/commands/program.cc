#include "trainer/commands/program.h"

#include <cstdio>
#include <string>

#include "core/anndata/crash_guard.h"
#include "core/base/version.h"
#include "core/cli/exit_code.h"
#include "core/cli/interrupt.h"

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

}  // namespace

int ReportError(const absl::Status& status) {
  // Ranks that leave the word to rank 0 have none.
  if (!status.message().empty()) {
    std::fprintf(stderr, "unlasting-train: %s\n", std::string(status.message()).c_str());
  }
  return cli::ExitCode(status);
}

int RunProgram(int argc, char** argv, std::vector<Command> (*add_commands)(CLI::App& app)) {
  CLI::App app("Trains and scores models of single-cell responses to perturbations.",
               "unlasting-train");
  app.set_version_flag("--version", std::string("unlasting-train ") + kVersion);
  app.require_subcommand(1);
  app.footer(kExamples);
  const std::vector<Command> commands = add_commands(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and version end with 0, bad usage with 2.
    return app.exit(error) == 0 ? 0 : 2;
  }
  anndata::GuardAgainstCrashes(true);
  cli::HandleInterrupts();
  for (const Command& command : commands) {
    if (command.app->parsed()) return ReportError(command.run());
  }
  return 2;
}

}  // namespace unlasting::trainer
