// The functions here do what every engine does around an evaluation: they say what a network is
// told of a molecule and what its expected response does to the mean, move a row by the step that
// was evaluated, make probabilities of what the mask network returns, and make a status of what an
// evaluation throws. Stateless; any thread.
#pragma once

#include <exception>
#include <functional>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "core/model/cpu/cpu_network.h"
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
std::vector<float> MeanChange(int32_t cell_type, const model::NewContext* context,
                              const Perturbation& perturbation, model::cpu::Priors<float>* priors);

// Engine::FromControl, from the same.
bool FromControl(int32_t cell_type, const Perturbation& perturbation,
                 model::cpu::Priors<float>* priors);

// Engine::MaskProbability for `genes` genes. `run` has the mask network write the logits [genes] of
// each row to the row's `out`; what it throws is returned as EvaluationFailed says.
using RunMask = std::function<void(absl::Span<const model::cpu::NetworkRow<float>>)>;
absl::StatusOr<DenseMatrix> MaskProbabilityBy(const RunMask& run, int64_t genes,
                                              const DenseMatrix& controls,
                                              absl::Span<const int32_t> cell_type,
                                              const model::NewContext* context,
                                              const Perturbation& perturbation);

// INTERNAL, with the exception's words.
absl::Status EvaluationFailed(const std::exception& error);

}  // namespace unlasting::predict
