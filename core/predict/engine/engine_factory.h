// CreateEngine makes the engine of a device for a bundle: the one place that knows which engines a
// build has. The caller owns the engine. Any thread.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "core/predict/engine/engine.h"

namespace unlasting::predict {

// The precision of an engine that has float32 alone: "float32" for it and for auto;
// INVALID_ARGUMENT names another and `where` the engine computes.
absl::StatusOr<std::string> Float32Alone(const std::string& precision, const std::string& where);

// The fused evaluator of the device: core/model/cpu, or core/model/cuda in a build with
// UNLASTING_CUDA. INVALID_ARGUMENT names the option that is out of range, or a device that this
// build or machine does not have. server/torch has the evaluator that runs on LibTorch.
absl::StatusOr<std::unique_ptr<Engine>> CreateEngine(std::shared_ptr<const bundle::Bundle> bundle,
                                                     const EngineOptions& options);

}  // namespace unlasting::predict
