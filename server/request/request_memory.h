// RequestMemory bounds the bytes of the requests that a server is checking, of the uploads under
// way and of answers in one piece, for all calls together and for each caller: a call beyond the
// bound is told to retry later.
//
//   IncomingHold hold(budget, IncomingKind::kRequest);
//   UNLASTING_RETURN_IF_ERROR(hold.GrowTo(client, request.ByteSizeLong()));
#pragma once

#include <cstdint>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "server/base/mutex.h"
#include "server/base/queue_quota.h"

namespace unlasting::server {

// A request is held for as long as it takes to check it, an upload for as long as its caller takes
// to send it. An answer that is sent in one piece is held as an upload is, from before it is
// computed until its caller has taken it.
enum class IncomingKind { kRequest, kUpload, kAnswer };

// Any thread.
class RequestMemory {
 public:
  // One caller may hold half of `max_bytes`, and a quarter of it in uploads and answers.
  explicit RequestMemory(int64_t max_bytes);

  // Takes what is missing of `bytes` for a call that has `held`. QueueQuota's errors; `held` is
  // then returned in the same step, so that calls that want more at once cannot refuse each other
  // to the last.
  absl::Status Grow(const std::string& client, IncomingKind kind, int64_t held, int64_t bytes);
  void Return(const std::string& client, IncomingKind kind, int64_t bytes);
  int64_t bytes() const;
  // What one call can hold at most.
  int64_t max_bytes(IncomingKind kind) const {
    return max_bytes_ / (kind == IncomingKind::kRequest ? 2 : 4);
  }

 private:
  absl::Status TakeLocked(const std::string& client, IncomingKind kind, int64_t bytes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ReturnLocked(const std::string& client, IncomingKind kind, int64_t bytes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const int64_t max_bytes_;
  mutable Mutex mutex_;
  QueueQuota quota_ ABSL_GUARDED_BY(mutex_);
  QueueQuota uploads_ ABSL_GUARDED_BY(mutex_);
};

// IncomingHold is one call's share of a RequestMemory, returned when it is destroyed. One thread at
// a time.
class IncomingHold {
 public:
  // `budget` outlives the hold.
  explicit IncomingHold(RequestMemory* budget, IncomingKind kind = IncomingKind::kRequest)
      : budget_(budget), kind_(kind) {}
  ~IncomingHold() { Release(); }
  IncomingHold(const IncomingHold&) = delete;
  IncomingHold& operator=(const IncomingHold&) = delete;

  // Holds `bytes` in total from now on, never less than before. The client is the same each time.
  // Errors: those of RequestMemory; TOO_MANY_BYTES also where one call may never hold so much.
  // After an error it holds nothing, and the call must end.
  absl::Status GrowTo(const std::string& client, int64_t bytes);
  // Holds `bytes` in total from now on, where it holds more.
  void ShrinkTo(int64_t bytes);
  void Release() { ShrinkTo(0); }
  int64_t bytes() const { return bytes_; }
  int64_t max_bytes() const { return budget_->max_bytes(kind_); }

 private:
  RequestMemory* const budget_;
  const IncomingKind kind_;
  std::string client_;
  int64_t bytes_ = 0;
};

}  // namespace unlasting::server
