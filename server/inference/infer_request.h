// ReadInferRequest turns a ModelInferRequest of the Open Inference Protocol into the PredictRequest
// that asks the same, and InputOf turns the fields of that request, by which the API's checks
// report what is wrong, into the names of the inputs.
//
// Inputs: genes BYTES [N], cells FP32 [n, N], cell_type BYTES [1] or [n], and one of knockout BYTES
// [p]
// ("STAT1", "STAT1+JAK2"), smiles BYTES [p] with dose_um FP32 [p], and treatment BYTES [p]. The
// columns of the answer are `genes`, in their order. Parameters: infer_parameters.h.
//
// Pure functions without gRPC; any thread.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "inference/grpc_service.pb.h"
#include "server/config/limits.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::server {

struct InferRequest {
  v1::PredictRequest predict;
  std::string id;             // which the answer repeats
  std::string perturbations;  // name of the input that says them: knockout, smiles or treatment
  absl::Duration timeout = absl::InfiniteDuration();
};

// Moves what it can out of `request`. INVALID_ARGUMENT with google.rpc.BadRequest, which names
// every input and parameter that is not what is expected.
absl::StatusOr<InferRequest> ReadInferRequest(const RequestLimits& limits,
                                              inference::ModelInferRequest* request);

// What callers of the protocol call a field of PredictRequest: "perturbations[2].molecule.dose" is
// "dose_um[2]", "options.seed" is "parameters.seed". `perturbations` is that of the InferRequest.
std::string InputOf(const std::string& field, const std::string& perturbations);

}  // namespace unlasting::server
