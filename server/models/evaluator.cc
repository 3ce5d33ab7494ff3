#include "server/models/evaluator.h"

#include <dlfcn.h>

#include <filesystem>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "core/base/version.h"
#include "core/predict/engine/engine_factory.h"
#include "core/predict/engine/engine_library.h"

namespace unlasting::server {
namespace {

namespace fs = std::filesystem;

// Beside the programs: bin/unlasting-server, lib/unlasting/libunlasting_torchscript.so. No search
// path is asked, so that a library from elsewhere does not get in.
fs::path LibraryPath() {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  return program.parent_path().parent_path() / "lib" / "unlasting" / predict::kTorchScriptLibrary;
}

absl::Status Unusable(const std::string& why) {
  return absl::FailedPreconditionError(absl::StrCat(
      "evaluator: torchscript needs ", LibraryPath().string(), ", ", why,
      "; install it with the LibTorch that it was built with, or set evaluator to fused"));
}

absl::StatusOr<UnlastingTorchScriptMakeEngine*> OpenLibrary() {
  // Never closed: LibTorch does not survive being unloaded. Opening it again costs nothing.
  void* const library = dlopen(LibraryPath().c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return Unusable(absl::StrCat("which cannot be opened: ", dlerror()));
  auto* const version = reinterpret_cast<UnlastingTorchScriptVersion*>(
      dlsym(library, predict::kTorchScriptVersionSymbol));
  auto* const make = reinterpret_cast<UnlastingTorchScriptMakeEngine*>(
      dlsym(library, predict::kTorchScriptMakeEngineSymbol));
  if (version == nullptr || make == nullptr) return Unusable("which is another library");
  if (std::string(version()) != kVersion) {
    return Unusable(absl::StrCat("found version ", version(), ", expected ", kVersion));
  }
  return make;
}

}  // namespace

absl::StatusOr<std::unique_ptr<predict::Engine>> MakeEngine(
    const std::string& evaluator, std::shared_ptr<const bundle::Bundle> bundle,
    const predict::EngineOptions& options) {
  if (evaluator == kFusedEvaluator) return predict::CreateEngine(std::move(bundle), options);
  if (evaluator != kTorchScriptEvaluator) {
    return absl::InvalidArgumentError(
        absl::StrCat("evaluator: found '", evaluator, "', expected fused or torchscript"));
  }
  UNLASTING_ASSIGN_OR_RETURN(auto* const make, OpenLibrary());
  absl::StatusOr<std::unique_ptr<predict::Engine>> engine =
      absl::InternalError("evaluator: torchscript: the library made no engine");
  make(&bundle, &options, &engine);
  return engine;
}

}  // namespace unlasting::server
