// Infer parameters are the options of a ModelInferRequest of the Open Inference Protocol, which
// become those of a PredictRequest. All have defaults, those of the API.
//
// | parameter | type | is |
// |---|---|---|
// | seed | integer | PredictOptions.seed |
// | value_kind | log1p, normalised_counts, drawn_counts | PredictOptions.value_kind |
// | count_depth, eta, mask_threshold | number | PredictOptions' |
// | solver | ddim, dpmpp2m | PredictOptions.solver |
// | solver_steps | integer | PredictOptions.solver_steps |
// | mask | rank, cell, aggregate, sample, none | PredictOptions.mask |
// | cells_value_kind | log1p (the default), counts | ControlCells.value_kind |
// | cells_target_sum | number | ControlCells.target_sum |
// | missing_genes | error, zero, panel_mean | ControlCells.missing_genes |
// | new_context | text | ControlCells.new_context |
// | covariates.NAME | number | a covariate of every perturbation |
// | priority | 0, 1 (interactive), 2 (bulk) | PredictRequest.priority |
// | timeout | integer, microseconds | how long the caller waits, beside the call's deadline |
//
// Pure functions without gRPC; any thread.
#pragma once

#include <map>
#include <string>

#include "absl/time/time.h"
#include "inference/grpc_service.pb.h"
#include "server/base/violations.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::server {

// Parameters that are no field of PredictRequest.
struct InferParameters {
  absl::Duration timeout = absl::InfiniteDuration();
  std::map<std::string, double> covariates;
};

// Sets the options of `predict` and of its control cells. Whatever is wrong goes to `violations`,
// under "parameters.NAME": a name that is not known too, so that a misspelt one is not a default.
InferParameters ReadParameters(const inference::ModelInferRequest& request,
                               v1::PredictRequest* predict, Violations* violations);

}  // namespace unlasting::server
