// The commands of unlasting-train that need LibTorch (trainer/commands/torch_program.h).
#include "core/base/version.h"
#include "core/bundle/torch/modules.h"
#include "trainer/commands/program.h"

int main(int argc, char** argv) {
  using namespace unlasting;  // NOLINT(google-build-using-namespace)
  MutableBuildTag() = kBuildTag;
  return trainer::RunProgram(argc, argv, [](CLI::App& app) {
    return std::vector<trainer::Command>{trainer::AddFitCommand(app),
                                         trainer::AddInspectCommand(app, bundle::VerifyModules)};
  });
}
