// ValidatePredict turns an unlasting.v1.PredictRequest into a task for a scheduler and the options
// of its response, or reports every violation of the request at once. It knows nothing of gRPC, so
// that a fuzzer can drive it. Stateless; any thread.
//
//   UNLASTING_ASSIGN_OR_RETURN(
//       ValidRequest valid, ValidatePredict(request, *bundle, index, limits, find_control_set));
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/cells/control_matrix.h"
#include "core/cells/gene_index.h"
#include "core/predict/job/prediction_task.h"
#include "server/config/limits.h"
#include "server/request/result_options.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::server {

struct ValidRequest {
  predict::PredictionTask task;  // all but client and deadline, which the request does not say
  ResultOptions result;
};

// Finds registered control cells by id; null where the server does not hold them.
using ControlFinder =
    std::function<std::shared_ptr<const cells::ControlMatrix>(const std::string& id)>;

// Errors are INVALID_ARGUMENT or NOT_FOUND with a reason and google.rpc.BadRequest. `genes` finds
// the bundle's genes. Takes milliseconds to seconds, depending on the size of the request: not for
// a thread that must not block.
absl::StatusOr<ValidRequest> ValidatePredict(const v1::PredictRequest& request,
                                             const bundle::Bundle& bundle,
                                             const cells::GeneIndex& genes,
                                             const RequestLimits& limits,
                                             const ControlFinder& find_controls);

}  // namespace unlasting::server
