// MakeTorchScriptEngine runs a bundle's TorchScript files on LibTorch: the reference that the fused
// evaluators are compared with, and the way to whatever device a LibTorch has. It is far slower
// than they are.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "core/bundle/bundle.h"
#include "core/bundle/torch/modules.h"
#include "core/predict/engine/engine.h"

namespace unlasting::server {

// `attention` kPlain evaluates the files as stock PyTorch does; kFused puts their weights behind
// our operators where the device has them. INVALID_ARGUMENT names a device that is not there, or a
// file that does not fit the manifest.
absl::StatusOr<std::unique_ptr<predict::Engine>> MakeTorchScriptEngine(
    std::shared_ptr<const bundle::Bundle> bundle, const predict::EngineOptions& options,
    model::Attention attention = model::Attention::kFused);

}  // namespace unlasting::server
