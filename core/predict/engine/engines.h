// The engines behind Engine::Create.
#pragma once

#include <memory>

#include "core/predict/engine/engine.h"

namespace unlasting::predict {

// The networks as LibTorch runs them: any device; the reference.
absl::StatusOr<std::unique_ptr<Engine>> MakeTorchEngine(
    std::shared_ptr<const bundle::Bundle> bundle, const EngineOptions& options);
// The same weights through core/model/cpu: CPU.
absl::StatusOr<std::unique_ptr<Engine>> MakeCpuEngine(std::shared_ptr<const bundle::Bundle> bundle,
                                                      const EngineOptions& options);

// The same through core/model/cuda; builds with UNLASTING_CUDA. INVALID_ARGUMENT names a device
// that is not there.
absl::StatusOr<std::unique_ptr<Engine>> MakeCudaEngine(std::shared_ptr<const bundle::Bundle> bundle,
                                                       const EngineOptions& options);
// Whether that has a device to run on.
bool CudaEngineIsThere();

// Whether LibTorch has one.
bool CudaIsThere();

// Moves a row by the step that `x0` [N] was evaluated for.
void AdvanceRow(absl::Span<const float> x0, Row* row);

}  // namespace unlasting::predict
