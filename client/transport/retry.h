// This policy says which failures of a call pass by themselves, and how long to wait before the
// next try. Its functions are pure.
#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace unlasting::client {

struct RetryPolicy {
  absl::Duration first = absl::Milliseconds(200);  // wait after the first failure
  absl::Duration longest = absl::Seconds(30);
  double factor = 2;  // from one wait to the next
  // How long nothing may arrive before it is given up; zero tries once.
  absl::Duration give_up = absl::Minutes(10);
};

// How long the server asks to wait (google.rpc.RetryInfo); zero where it does not ask.
absl::Duration ServersDelay(const absl::Status& status);
absl::Status WithServersDelay(absl::Status status, absl::Duration delay);

// Whether the same call may do well later or elsewhere: the server or the connection went away, the
// queue is full. What the server says of the request itself stays true.
bool MayPass(const absl::Status& status);

// The wait before try number `failures` + 1, `failures` 1 or more: growing, drawn from its upper
// half by `draw` in [0, 1) so that clients do not come back together, and never shorter than the
// server asks.
absl::Duration WaitBeforeRetry(const RetryPolicy& policy, int failures,
                               absl::Duration servers_delay, double draw);

}  // namespace unlasting::client
