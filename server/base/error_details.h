// absl::Status to grpc::Status with google.rpc details in the trailer `grpc-status-details-bin`.
#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpcpp/support/status.h"

namespace unlasting::server {

// Domain of every google.rpc.ErrorInfo this server sends.
inline constexpr char kErrorDomain[] = "unlasting";

// `status` with a google.rpc.RetryInfo: the caller may come back after `delay`.
absl::Status WithRetryDelay(absl::Status status, absl::Duration delay);
// Zero where the status carries none.
absl::Duration RetryDelayOf(const absl::Status& status);

// Always holds an ErrorInfo, with the status's reason (core/base/status.h) or its code's name, then
// every google.rpc payload of the status, e.g. BadRequest. OK maps to OK.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace unlasting::server
