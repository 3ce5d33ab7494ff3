// unlasting-train makes bundles from .h5ad files and scores what bundles predict.
#include "core/base/version.h"
#include "trainer/commands/program.h"
#include "trainer/commands/torch_program.h"

namespace {

using unlasting::trainer::Command;

std::vector<Command> AddCommands(CLI::App& app) {
  using namespace unlasting::trainer;  // NOLINT(google-build-using-namespace)
  // Listed by --help; the program with LibTorch runs it.
  app.add_subcommand("fit", "Trains a bundle from an .h5ad file");
  return {AddEvaluateCommand(app), AddMetricsCommand(app),  AddPrepareCommand(app),
          AddNetworkCommand(app),  AddSimulateCommand(app), AddInspectCommand(app, nullptr)};
}

}  // namespace

int main(int argc, char** argv) {
  using namespace unlasting;  // NOLINT(google-build-using-namespace)
  MutableBuildTag() = kBuildTag;
  if (trainer::NeedsTorchProgram(argc, argv)) {
    return trainer::ReportError(trainer::BecomeTorchProgram(argv));
  }
  return trainer::RunProgram(argc, argv, AddCommands);
}
