#include "server/request/request_memory.h"

#include <algorithm>

#include "core/base/status.h"

namespace unlasting::server {
namespace {

QuotaLimits LimitsOf(int64_t max_bytes, int64_t per_client) {
  QuotaLimits limits;
  limits.total.bytes = max_bytes;
  limits.per_client.bytes = std::max<int64_t>(1, per_client);
  return limits;
}

const char* Word(IncomingKind kind) {
  switch (kind) {
    case IncomingKind::kUpload:
      return "upload";
    case IncomingKind::kAnswer:
      return "answer";
    case IncomingKind::kRequest:
      break;
  }
  return "request";
}

}  // namespace

RequestMemory::RequestMemory(int64_t max_bytes)
    : max_bytes_(max_bytes),
      quota_(LimitsOf(max_bytes, max_bytes / 2)),
      uploads_(LimitsOf(max_bytes, max_bytes / 4)) {}

absl::Status RequestMemory::Grow(const std::string& client, IncomingKind kind, int64_t held,
                                 int64_t bytes) {
  MutexLock lock(&mutex_);
  const absl::Status taken = TakeLocked(client, kind, bytes - held);
  if (!taken.ok()) ReturnLocked(client, kind, held);
  return taken;
}

void RequestMemory::Return(const std::string& client, IncomingKind kind, int64_t bytes) {
  MutexLock lock(&mutex_);
  ReturnLocked(client, kind, bytes);
}

absl::Status RequestMemory::TakeLocked(const std::string& client, IncomingKind kind,
                                       int64_t bytes) {
  if (kind != IncomingKind::kRequest) UNLASTING_RETURN_IF_ERROR(uploads_.Take(client, {0, bytes}));
  const absl::Status taken = quota_.Take(client, {0, bytes});
  if (!taken.ok() && kind != IncomingKind::kRequest) uploads_.Return(client, {0, bytes});
  return taken;
}

void RequestMemory::ReturnLocked(const std::string& client, IncomingKind kind, int64_t bytes) {
  if (kind != IncomingKind::kRequest) uploads_.Return(client, {0, bytes});
  quota_.Return(client, {0, bytes});
}

int64_t RequestMemory::bytes() const {
  MutexLock lock(&mutex_);
  return quota_.total().bytes;
}

absl::Status IncomingHold::GrowTo(const std::string& client, int64_t bytes) {
  if (bytes <= bytes_) return absl::OkStatus();
  if (bytes > max_bytes()) {
    Release();
    return WithReason(
        absl::ResourceExhaustedError(absl::StrCat(
            "the ", Word(kind_), " needs ", bytes, " bytes or more of memory, expected at most ",
            max_bytes(), " (", kind_ == IncomingKind::kRequest ? "half" : "a quarter",
            " of memory.max_incoming_bytes): send fewer cells or perturbations per call")),
        "TOO_MANY_BYTES");
  }
  const absl::Status grown = budget_->Grow(client, kind_, bytes_, bytes);
  client_ = client;
  bytes_ = grown.ok() ? bytes : 0;
  return grown;
}

void IncomingHold::ShrinkTo(int64_t bytes) {
  if (bytes >= bytes_) return;
  budget_->Return(client_, kind_, bytes_ - bytes);
  bytes_ = bytes;
}

}  // namespace unlasting::server
