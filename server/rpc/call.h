// What every call has, whatever it asks: a caller, an id, a beginning and an end that is counted
// and logged. Nothing of a request's content passes through here.
//
//   Call call(services, context, "ListModels");
//   absl::Status status = call.Admit(Role::kPredict);
//   if (status.ok()) status = ...;
//   reactor->Finish(call.End(status));
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpcpp/server_context.h"
#include "server/base/logging.h"
#include "server/base/trace_context.h"
#include "server/rpc/service_context.h"

namespace unlasting::server {

// One thread at a time. `services` and `context` outlive the call.
class Call {
 public:
  Call(const ServiceContext& services, grpc::CallbackServerContext* context, const char* method);

  // CallAuthorizer's errors.
  absl::Status Admit(Role role);
  // The caller's name after Admit.
  const std::string& client() const { return client_; }
  absl::Time start() const { return start_; }

  // Adds trailers, counts and logs, with `more` beside the usual fields. Once, and before Finish of
  // the reactor: gRPC takes no trailers afterwards.
  grpc::Status End(const absl::Status& status, const LogFields& more = {});

 private:
  const ServiceContext& services_;
  grpc::CallbackServerContext* const context_;
  const char* const method_;
  const absl::Time start_;
  const std::string request_id_;
  const TraceParent trace_;
  std::string client_;
};

}  // namespace unlasting::server
