// RequestMemory bounds the bytes of the requests that a server is checking and of the uploads under
// way, all calls together: a call beyond the bound is told to retry later.
//
//   IncomingHold hold(budget, client);
//   UNLASTING_RETURN_IF_ERROR(hold.GrowTo(request.ByteSizeLong()));
#pragma once

#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "server/base/mutex.h"
#include "server/base/queue_quota.h"

namespace unlasting::server {

// Any thread.
class RequestMemory {
 public:
  explicit RequestMemory(int64_t max_bytes);

  // QueueQuota's errors.
  absl::Status Take(const std::string& client, int64_t bytes);
  void Return(const std::string& client, int64_t bytes);
  int64_t bytes() const;

 private:
  mutable Mutex mutex_;
  QueueQuota quota_ ABSL_GUARDED_BY(mutex_);
};

// IncomingHold is one call's share of a RequestMemory, returned when it is destroyed. One thread at
// a time.
class IncomingHold {
 public:
  // `budget` outlives the hold.
  explicit IncomingHold(RequestMemory* budget) : budget_(budget) {}
  ~IncomingHold() { Release(); }
  IncomingHold(const IncomingHold&) = delete;
  IncomingHold& operator=(const IncomingHold&) = delete;

  // Holds `bytes` in total from now on, never less than before. The client is the same each time.
  absl::Status GrowTo(const std::string& client, int64_t bytes);
  void Release();

 private:
  RequestMemory* const budget_;
  std::string client_;
  int64_t bytes_ = 0;
};

}  // namespace unlasting::server
