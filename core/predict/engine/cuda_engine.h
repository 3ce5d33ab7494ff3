// MakeCudaEngine makes the engine that evaluates a bundle's weights on a GPU, through
// core/model/cuda, for CreateEngine (core/predict/engine/engine_factory.h). Only builds with
// UNLASTING_CUDA have it.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "core/predict/engine/engine.h"

namespace unlasting::predict {

// INVALID_ARGUMENT names a device that is not there; errors of Bundle::ReadWeights too. The other
// options are in range: CreateEngine checks them.
absl::StatusOr<std::unique_ptr<Engine>> MakeCudaEngine(std::shared_ptr<const bundle::Bundle> bundle,
                                                       const EngineOptions& options);

// Whether the CUDA engine has a device to run on.
bool CudaDeviceIsThere();

}  // namespace unlasting::predict
