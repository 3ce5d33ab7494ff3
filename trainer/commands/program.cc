#include "trainer/commands/program.h"

#include <string>

#include "core/anndata/crash_guard.h"
#include "core/base/status.h"
#include "core/base/version.h"
#include "core/cli/command_line.h"
#include "core/cli/exit_code.h"
#include "core/cli/interrupt.h"
#include "trainer/settings/settings.h"

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

absl::Status Run(int argc, char** argv, std::vector<Command> (*add_commands)(CLI::App& app)) {
  CLI::App app("Trains and scores models of single-cell responses to perturbations.",
               "unlasting-train");
  app.set_version_flag("--version", VersionText("unlasting-train"));
  app.require_subcommand(1);
  app.footer(kExamples);
  const std::vector<Command> commands = add_commands(app);
  cli::AddSettingsListings(TrainSettings(), "Settings of unlasting-train", &app);
  UNLASTING_ASSIGN_OR_RETURN(const bool goes_on, cli::ParseArguments(argc, argv, &app));
  if (!goes_on) return absl::OkStatus();
  anndata::GuardAgainstCrashes(true);
  UNLASTING_RETURN_IF_ERROR(cli::HandleInterrupts());
  for (const Command& command : commands) {
    if (command.app->parsed()) return command.run();
  }
  return absl::OkStatus();
}

}  // namespace

int ReportError(const absl::Status& status) { return cli::ReportError("unlasting-train", status); }

int RunProgram(int argc, char** argv, std::vector<Command> (*add_commands)(CLI::App& app)) {
  return ReportError(Run(argc, argv, add_commands));
}

}  // namespace unlasting::trainer
