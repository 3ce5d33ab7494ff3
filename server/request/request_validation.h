// unlasting.v1.PredictRequest to work for a scheduler. Collects every violation of a request; knows
// nothing of gRPC, so that a fuzzer can drive it.
//
//   UNLASTING_ASSIGN_OR_RETURN(
//       PredictWork work, ValidatePredict(request, *bundle, index, limits, find_control_set));
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/predict/query/query.h"
#include "server/config/limits.h"
#include "server/request/control_validation.h"
#include "server/request/gene_index.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::server {

// What to send back, resolved.
struct ResultOptions {
  std::vector<int64_t> columns;  // into Manifest.genes, in the order to return
  bool profiles = true;
  bool summaries = true;
  v1::ValueKind value_kind = v1::VALUE_KIND_LOG1P;
  v1::MatrixEncoding encoding = v1::MATRIX_ENCODING_RAW_FLOAT32;
  int ranked_genes = 50;
};

struct PredictWork {
  std::shared_ptr<const predict::ControlSet> controls;
  std::vector<std::shared_ptr<const predict::Perturbation>> perturbations;
  predict::PredictOptions options;
  ResultOptions result;
  v1::Priority priority = v1::PRIORITY_INTERACTIVE;
};

// Finds registered control cells by id; null where unknown.
using ControlFinder = std::function<std::shared_ptr<const RawControls>(const std::string& id)>;

// INVALID_ARGUMENT or NOT_FOUND with a reason and google.rpc.BadRequest. Takes milliseconds to
// seconds with the size of the request: not for a thread that must not block.
absl::StatusOr<PredictWork> ValidatePredict(const v1::PredictRequest& request,
                                            const bundle::Bundle& bundle, const GeneIndex& index,
                                            const RequestLimits& limits,
                                            const ControlFinder& find_controls);

}  // namespace unlasting::server
