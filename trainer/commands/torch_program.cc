#include "trainer/commands/torch_program.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace unlasting::trainer {

bool NeedsTorchProgram(int argc, char** argv) {
  if (argc < 2) return false;
  const std::string command = argv[1];
  if (command == "fit") return true;
  if (command != "inspect") return false;
  for (int k = 2; k < argc; ++k) {
    if (absl::StartsWith(argv[k], "--verify")) return true;
  }
  return false;
}

absl::Status BecomeTorchProgram(char** argv) {
  namespace fs = std::filesystem;
  // Beside the program: bin/unlasting-train, lib/unlasting/unlasting-train-torch.
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  const fs::path path =
      program.parent_path().parent_path() / "lib" / "unlasting" / "unlasting-train-torch";
  execv(path.c_str(), argv);
  return absl::FailedPreconditionError(absl::StrCat(
      argv[1], ": needs ", path.string(), ", which cannot be started: ", std::strerror(errno),
      "; install it and LibTorch beside this program"));
}

}  // namespace unlasting::trainer
