// ValidatePredict turns an unlasting.v1.PredictRequest into a task for a scheduler and the options
// of its response, or reports every violation of the request at once. It knows nothing of gRPC, so
// that a fuzzer can drive it. RequestPreparation does the same in parts, for a thread that others
// wait for: a request may name thousands of molecules.
//
//   RequestPreparation preparation(&request, bundle, index, limits, find_control_set);
//   while (!preparation.Advance(has_time)) {}
//   UNLASTING_ASSIGN_OR_RETURN(ValidRequest valid, preparation.Take());
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "core/cells/control_matrix.h"
#include "core/cells/gene_index.h"
#include "core/predict/job/prediction_task.h"
#include "server/base/violations.h"
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

// One thread at a time. `request`, `bundle`, `genes` and what `find_controls` uses outlive this.
class RequestPreparation {
 public:
  RequestPreparation(const v1::PredictRequest* request, const bundle::Bundle* bundle,
                     const cells::GeneIndex* genes, const RequestLimits& limits,
                     ControlFinder find_controls);

  // Does the next part of the work, at least one perturbation of it, and goes on for as long as
  // `has_time`. Returns whether all of it is done.
  bool Advance(absl::FunctionRef<bool()> has_time);
  // Memory of the perturbations resolved so far.
  int64_t resolved_bytes() const { return resolved_bytes_; }
  // Once all is done. Errors as those of ValidatePredict, with the fields that `name` makes of the
  // API's where it is given.
  using FieldName = std::function<std::string(const std::string& field)>;
  absl::StatusOr<ValidRequest> Take(const FieldName& name = nullptr);

 private:
  using SharedPerturbation = std::shared_ptr<const predict::Perturbation>;

  // Controls and options.
  void Begin();
  void ResolveNext();
  // Adds up what only the whole request shows.
  void End();

  const v1::PredictRequest& request_;
  const bundle::Bundle& bundle_;
  const cells::GeneIndex& genes_;
  const RequestLimits limits_;
  const ControlFinder find_controls_;
  Violations violations_;
  ValidRequest valid_;
  bool begun_ = false;
  int next_ = 0;   // perturbation
  int count_ = 0;  // of perturbations to resolve; 0 where there are too many
  int64_t resolved_bytes_ = 0;
  // Molecules and treatments by what was asked: many rows of a table name the same.
  std::unordered_map<std::string, SharedPerturbation> resolved_;
};

// Errors are INVALID_ARGUMENT or NOT_FOUND with a reason and google.rpc.BadRequest. `genes` finds
// the bundle's genes. Takes milliseconds to seconds, depending on the size of the request: not for
// a thread that must not block.
absl::StatusOr<ValidRequest> ValidatePredict(const v1::PredictRequest& request,
                                             const bundle::Bundle& bundle,
                                             const cells::GeneIndex& genes,
                                             const RequestLimits& limits,
                                             const ControlFinder& find_controls);

}  // namespace unlasting::server
