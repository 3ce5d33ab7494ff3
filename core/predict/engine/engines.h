// The engines behind Engine::Create, and what they share.
#pragma once

#include <memory>

#include "absl/types/span.h"
#include "core/model/cpu/node_inputs.h"
#include "core/predict/engine/engine.h"

namespace unlasting::predict {

// The weights through core/model/cpu.
absl::StatusOr<std::unique_ptr<Engine>> MakeCpuEngine(std::shared_ptr<const bundle::Bundle> bundle,
                                                      const EngineOptions& options);

// The same through core/model/cuda; only in builds with UNLASTING_CUDA. INVALID_ARGUMENT names a
// device that is not there.
absl::StatusOr<std::unique_ptr<Engine>> MakeCudaEngine(std::shared_ptr<const bundle::Bundle> bundle,
                                                       const EngineOptions& options);
// Whether the CUDA engine has a device to run on.
bool CudaDeviceIsThere();

// Moves a row by the step that `x0` [N] was evaluated for.
void AdvanceRow(absl::Span<const float> x0, Row* row);

// What the networks are told of a perturbation's molecule: no features where there is none, as of a
// gene perturbation or of features that are all zero. Points into `perturbation`.
model::cpu::Molecule<float> MoleculeInput(const Perturbation& perturbation);

}  // namespace unlasting::predict
