// AddPredictedErrors tells a caller how far an answer is expected to be from the truth, as the
// model's training found it (core/predict/query/predicted_error.h). Stateless; any thread.
#pragma once

#include <cstdint>

#include "absl/types/span.h"
#include "core/predict/job/prediction_task.h"
#include "core/predict/job/profiles.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::server {

// Fills predicted_errors and change_half_width of a summary that is complete otherwise; leaves it
// alone where the bundle has no error model. `cell_types` are the distinct types of the task's
// control cells, ascending.
void AddPredictedErrors(const bundle::Bundle& bundle, const predict::PredictionTask& task,
                        absl::Span<const int32_t> cell_types, const predict::Profiles& profiles,
                        v1::PerturbationSummary* summary);

}  // namespace unlasting::server
