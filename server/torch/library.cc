// The functions that libunlasting_torchscript.so exports.
#include "core/base/version.h"
#include "core/predict/engine/engine_library.h"
#include "server/torch/torchscript_engine.h"

extern "C" {

__attribute__((visibility("default"))) const char* UnlastingTorchScriptLibraryVersion() {
  return unlasting::kVersion;
}

__attribute__((visibility("default"))) void UnlastingTorchScriptLibraryMakeEngine(
    const std::shared_ptr<const unlasting::bundle::Bundle>* bundle,
    const unlasting::predict::EngineOptions* options,
    absl::StatusOr<std::unique_ptr<unlasting::predict::Engine>>* engine) {
  *engine = unlasting::server::MakeTorchScriptEngine(*bundle, *options);
}
}
