// MakeEngine makes the engine that runs a bundle, by the setting `evaluator`.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/bundle/bundle.h"
#include "core/predict/engine/engine.h"

namespace unlasting::server {

inline constexpr char kFusedEvaluator[] = "fused";
inline constexpr char kTorchScriptEvaluator[] = "torchscript";

// fused: the evaluators of core/model, which need no LibTorch. torchscript: the bundle's
// TorchScript files on LibTorch, by a library that is opened here and stays open. INVALID_ARGUMENT
// where `evaluator` is neither, FAILED_PRECONDITION where the library cannot be opened or is of
// another version; else the engine's own errors.
absl::StatusOr<std::unique_ptr<predict::Engine>> MakeEngine(
    const std::string& evaluator, std::shared_ptr<const bundle::Bundle> bundle,
    const predict::EngineOptions& options);

}  // namespace unlasting::server
