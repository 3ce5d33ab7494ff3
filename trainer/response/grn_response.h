// What the perturbation of a gene that training never perturbed does to others, by the network.
#pragma once

#include <optional>

#include "core/grn/graph.h"
#include "core/model/torch/expected_response.h"
#include "trainer/response/condition_moments.h"

namespace unlasting::trainer {

// An edge's weight is the regression of its target on all measured sources of that target, over the
// training cells (each against the mean control cell of its type; those whose target is perturbed
// left out), with the sources' variance less their sampling noise, which would hide what they do.
// The change of a perturbed gene itself is fitted to that of the trained ones, and so is how far
// changes reach: by what leaves each trained gene out and predicts it best from the others.
//
// None where the measured genes perturbed alone in training are few, or where those show that the
// network foresees nothing of them.
std::optional<model::GrnResponse> EstimateGrnResponse(const TrainingData& data,
                                                      const ConditionMoments& moments,
                                                      const grn::Graph& graph);

}  // namespace unlasting::trainer
