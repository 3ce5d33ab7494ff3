// Who holds how much of a bounded store of rows and bytes.
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

struct AdmissionLimits {
  static constexpr int64_t kNoLimit = std::numeric_limits<int64_t>::max();
  Amount total = {kNoLimit, kNoLimit};
  Amount per_client = {kNoLimit, kNoLimit};
  absl::Duration retry_delay = absl::Seconds(1);  // told to callers that find no room
};

// One thread at a time.
class QueueQuota {
 public:
  explicit QueueQuota(const AdmissionLimits& limits) : limits_(limits) {}

  // All of `amount` or none. RESOURCE_EXHAUSTED: with reason QUEUE_FULL or CLIENT_QUEUE_FULL and
  // RetryInfo where there is no room now, with reason TOO_MANY_ROWS or TOO_MANY_BYTES and without
  // RetryInfo where an empty store would not have it.
  absl::Status Take(const std::string& client, const Amount& amount);
  // At most what was taken, in parts or whole.
  void Return(const std::string& client, const Amount& amount);

  const Amount& total() const { return total_; }

 private:
  const AdmissionLimits limits_;
  Amount total_;
  std::map<std::string, Amount> clients_;  // those that hold something
};

}  // namespace unlasting::server
