// ToGrpcStatus turns an error of the rooms below into the grpc::Status that a client receives, with
// google.rpc details in the trailer `grpc-status-details-bin`.
//
// A pure function; any thread.
#pragma once

#include "absl/status/status.h"
#include "grpcpp/support/status.h"

namespace unlasting::server {

// Domain of every google.rpc.ErrorInfo that this server sends.
inline constexpr char kErrorDomain[] = "unlasting";

// The details of an error always hold an ErrorInfo, whose reason is that of the status
// (core/base/status.h) or else the name of its code, followed by every google.rpc payload of the
// status, e.g. BadRequest. Details that would make the trailers longer than the 8 KiB that clients
// accept are shortened or left out; ErrorInfo.metadata then says how many fields were bad in all
// (bad_fields) and how many are named (bad_fields_listed). Every string is UTF-8, whatever the
// status quotes. OK maps to OK.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace unlasting::server
