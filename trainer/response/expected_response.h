// The expected responses that a model starts from, out of the training cells.
#pragma once

#include "core/model/torch/expected_response.h"
#include "trainer/data/training_data.h"
#include "trainer/response/condition_moments.h"
#include "trainer/settings/config.pb.h"

namespace unlasting::trainer {

// A cell type's own response where training measured it. Else that of the types that were, as far
// as it carries over: mean = mean_P + v (mean_C of the type - mean_C), v the slope that
// predicts each measured type best from the others (1, the mean shift, with fewer than three), and
// likewise the active shares with the slope `mask_prior`. Cells held out for validation take no
// part.
model::ExpectedResponse EstimateExpectedResponse(const TrainingData& data,
                                                 const ConditionMoments& moments,
                                                 const TrainConfig& config);

}  // namespace unlasting::trainer
