// A Call does for every RPC what all of them need: it authorises the caller, gives the call an id,
// and counts and logs its end. Nothing of a request's content passes through here.
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
#include "server/rpc/service_context.h"
#include "server/rpc/trace_context.h"

namespace unlasting::server {

// States: created -> admitted or refused (Admit) -> ended (End). One thread at a time. `services`
// and `context` outlive the call.
class Call {
 public:
  Call(const ServiceContext& services, grpc::CallbackServerContext* context, const char* method);

  // Lets the caller in if it has `role`. Errors: those of CallAuthorizer.
  absl::Status Admit(Role role);
  // The caller's name, once Admit let it in.
  const std::string& client() const { return client_; }
  absl::Time start() const { return start_; }

  // Adds the trailers, counts the call and logs it, with `more` after the usual fields. Call once,
  // and before Finish of the reactor: gRPC takes no trailers afterwards.
  grpc::Status End(const absl::Status& status, const LogFields& more = {});
  // Counts and logs one of the requests that a stream carries, as if it were a call of `method`
  // that began at `start`.
  void Record(const char* method, absl::Time start, const absl::Status& status,
              const LogFields& more);

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
