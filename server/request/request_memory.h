// Bytes of requests that are being checked and of uploads under way: beyond the bound, callers are
// told to come back.
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

// One call's part of a budget, given back when it goes. One thread at a time.
class IncomingHold {
 public:
  // `budget` outlives the hold.
  explicit IncomingHold(RequestMemory* budget) : budget_(budget) {}
  ~IncomingHold() { Release(); }
  IncomingHold(const IncomingHold&) = delete;
  IncomingHold& operator=(const IncomingHold&) = delete;

  // Holds `bytes` in all from now on, and no less than before. The client is the same each time.
  absl::Status GrowTo(const std::string& client, int64_t bytes);
  void Release();

 private:
  RequestMemory* const budget_;
  std::string client_;
  int64_t bytes_ = 0;
};

}  // namespace unlasting::server
