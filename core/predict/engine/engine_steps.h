// These functions do what every engine does before and after an evaluation: they say what a network
// is told of a molecule, what its expected response does to the mean, and move a row by the step
// that was evaluated. Stateless; any thread.
#pragma once

#include "absl/types/span.h"
#include "core/model/cpu/node_inputs.h"
#include "core/model/cpu/prior.h"
#include "core/predict/engine/engine.h"

namespace unlasting::predict {

// Moves a row by the step that `x0` [N] was evaluated for.
void AdvanceRow(absl::Span<const float> x0, Row* row);

// What the networks are told of a perturbation's molecule: no features where there is none, as of a
// gene perturbation or of features that are all zero. Points into `perturbation`.
model::cpu::Molecule<float> MoleculeInput(const Perturbation& perturbation);

// Engine::ExpectedMeanChange, from the priors of the denoiser.
std::vector<float> MeanChange(int32_t cell_type, const Perturbation& perturbation,
                              model::cpu::Priors<float>* priors);

}  // namespace unlasting::predict
