// A CallPreparation turns the request of one call into a task for a model in service, a slice at a
// time, for as long as its caller waits for the result. Requests of every protocol become a
// PredictRequest first.
//
//   CallPreparation preparation(services, context, client, &hold, read);
//   absl::StatusOr<bool> done = preparation.Advance(deadline);  // on the prepare pool, until true
//   UNLASTING_ASSIGN_OR_RETURN(ValidRequest valid, preparation.Take(deadline));
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "grpcpp/server_context.h"
#include "server/request/request_memory.h"
#include "server/request/request_validation.h"
#include "server/rpc/service_context.h"

namespace unlasting::server {

// The caller's deadline on `clock`, which does not jump with the wall clock.
absl::Time DeadlineOf(const grpc::CallbackServerContext& context, const Clock& clock);

// One thread at a time. What is given to the constructor outlives this.
class CallPreparation {
 public:
  // Makes the request; called once, by the first slice. What it takes in memory goes to `hold`.
  using Read = std::function<absl::Status(v1::PredictRequest* request)>;

  CallPreparation(const ServiceContext& services, const grpc::CallbackServerContext& context,
                  const std::string& client, IncomingHold* hold, Read read);

  // Does a slice; returns whether all is done. Errors: CANCELLED and DEADLINE_EXCEEDED where the
  // caller no longer waits, RESOURCE_EXHAUSTED with reason PREPARATION_TOO_LONG, those of `read`,
  // of ModelRegistry and of IncomingHold.
  absl::StatusOr<bool> Advance(absl::Time deadline);
  // Once all is done: the task, with the caller and the deadline in it. Errors: those of
  // RequestPreparation::Take.
  absl::StatusOr<ValidRequest> Take(absl::Time deadline,
                                    const RequestPreparation::FieldName& name = nullptr);
  // The model that the request names; null before the first slice.
  const std::shared_ptr<ServedModel>& model() const { return model_; }

 private:
  absl::Status CheckWanted(absl::Time deadline) const;
  absl::Status Begin();
  absl::StatusOr<bool> Slice(absl::Time deadline);

  const ServiceContext& services_;
  const grpc::CallbackServerContext& context_;
  const std::string client_;
  IncomingHold* const hold_;
  const Read read_;
  absl::Duration time_;  // that the slices took
  v1::PredictRequest request_;
  std::shared_ptr<ServedModel> model_;
  std::unique_ptr<RequestPreparation> work_;
  int64_t request_bytes_ = 0;  // held before any perturbation was resolved
};

}  // namespace unlasting::server
