// A status carries how long its caller should wait before a retry, as a google.rpc.RetryInfo.
//
//   return WithRetryDelay(absl::ResourceExhaustedError("the queue is full"), absl::Seconds(1));
//
// Pure functions. server/rpc turns the delay into the trailers that clients read.
#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace unlasting::server {

// `status` with a RetryInfo: the caller may try again after `delay`.
absl::Status WithRetryDelay(absl::Status status, absl::Duration delay);

// Zero where `status` carries no RetryInfo.
absl::Duration RetryDelayOf(const absl::Status& status);

}  // namespace unlasting::server
