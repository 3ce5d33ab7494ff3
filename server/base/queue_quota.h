// A QueueQuota bounds how many rows and bytes of work its owner holds, for all clients together and
// for each of them.
//
//   UNLASTING_RETURN_IF_ERROR(quota.Take(client, {rows, bytes}));
//   ...
//   quota.Return(client, {rows, bytes});
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace unlasting::server {

struct Amount {
  int64_t rows = 0;
  int64_t bytes = 0;
};

struct QuotaLimits {
  static constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();
  Amount total = {kNoLimit, kNoLimit};
  Amount per_client = {kNoLimit, kNoLimit};
  absl::Duration retry_delay = absl::Seconds(1);  // for callers that find the queue full
};

// One thread at a time.
class QueueQuota {
 public:
  explicit QueueQuota(const QuotaLimits& limits) : limits_(limits) {}

  // Takes all of `amount` or nothing. RESOURCE_EXHAUSTED with reason QUEUE_FULL or
  // CLIENT_QUEUE_FULL and a RetryInfo where too much is taken at present; with reason TOO_MANY_ROWS
  // or TOO_MANY_BYTES and no RetryInfo where `amount` would not fit even if nothing were taken.
  absl::Status Take(const std::string& client, const Amount& amount);
  // Gives back part or all of what `client` took, and never more than that.
  void Return(const std::string& client, const Amount& amount);

  // What all clients together hold.
  const Amount& total() const { return total_; }

 private:
  const QuotaLimits limits_;
  Amount total_;
  std::map<std::string, Amount> clients_;  // only those that hold something
};

}  // namespace unlasting::server
