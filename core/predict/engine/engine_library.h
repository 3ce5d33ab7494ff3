// What libunlasting_torchscript.so exports: an engine in a library of its own, which the server
// opens only where the setting `evaluator` is torchscript, so that nobody else needs LibTorch.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "core/bundle/bundle.h"
#include "core/predict/engine/engine.h"

// Both sides are compiled together and exchange C++ objects; the version tells a library that was
// left behind by another build.
extern "C" {

using UnlastingTorchScriptVersion = const char*();
using UnlastingTorchScriptMakeEngine =
    void(const std::shared_ptr<const unlasting::bundle::Bundle>* bundle,
         const unlasting::predict::EngineOptions* options,
         absl::StatusOr<std::unique_ptr<unlasting::predict::Engine>>* engine);
}

namespace unlasting::predict {

inline constexpr char kTorchScriptLibrary[] = "libunlasting_torchscript.so";
inline constexpr char kTorchScriptVersionSymbol[] = "UnlastingTorchScriptLibraryVersion";
inline constexpr char kTorchScriptMakeEngineSymbol[] = "UnlastingTorchScriptLibraryMakeEngine";

}  // namespace unlasting::predict
