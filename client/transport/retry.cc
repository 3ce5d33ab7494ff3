#include "client/transport/retry.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace unlasting::client {
namespace {

constexpr char kDelayUrl[] = "unlasting.v1/retry-milliseconds";

}  // namespace

absl::Duration ServersDelay(const absl::Status& status) {
  const auto payload = status.GetPayload(kDelayUrl);
  int64_t milliseconds = 0;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &milliseconds)) {
    return absl::ZeroDuration();
  }
  return absl::Milliseconds(milliseconds);
}

absl::Status WithServersDelay(absl::Status status, absl::Duration delay) {
  status.SetPayload(kDelayUrl, absl::Cord(absl::StrCat(absl::ToInt64Milliseconds(delay))));
  return status;
}

bool MayPass(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kAborted:
    // A server that stops cancels what it cannot finish; this client cancels nothing it retries.
    case absl::StatusCode::kCancelled:
    // An answer without its end.
    case absl::StatusCode::kDataLoss:
      return true;
    case absl::StatusCode::kResourceExhausted:
      return ServersDelay(status) > absl::ZeroDuration();
    // With a reason they are the server's word; without, a broken connection's.
    case absl::StatusCode::kInternal:
    case absl::StatusCode::kUnknown:
      return ReasonOf(status).empty();
    default:
      return false;
  }
}

absl::Duration WaitBeforeRetry(const RetryPolicy& policy, int failures,
                               absl::Duration servers_delay, double draw) {
  const double growth = std::pow(policy.factor, std::min(failures - 1, 60));
  const absl::Duration grown = std::min(policy.longest, policy.first * growth);
  return std::max(grown * (0.5 + 0.5 * draw), servers_delay);
}

}  // namespace unlasting::client
