// MakeCpuEngine makes the engine that evaluates a bundle's weights on the CPU, through
// core/model/cpu, for CreateEngine (core/predict/engine/engine_factory.h).
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "core/predict/engine/engine.h"

namespace unlasting::predict {

// Errors of Bundle::ReadWeights. Options are in range: CreateEngine checks them.
absl::StatusOr<std::unique_ptr<Engine>> MakeCpuEngine(std::shared_ptr<const bundle::Bundle> bundle,
                                                      const EngineOptions& options);

}  // namespace unlasting::predict
