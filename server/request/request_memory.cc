#include "server/request/request_memory.h"

#include "core/base/status.h"

namespace unlasting::server {
namespace {

QuotaLimits LimitsOf(int64_t max_bytes) {
  QuotaLimits limits;
  limits.total.bytes = max_bytes;
  return limits;
}

}  // namespace

RequestMemory::RequestMemory(int64_t max_bytes) : quota_(LimitsOf(max_bytes)) {}

absl::Status RequestMemory::Take(const std::string& client, int64_t bytes) {
  MutexLock lock(&mutex_);
  return quota_.Take(client, {0, bytes});
}

void RequestMemory::Return(const std::string& client, int64_t bytes) {
  MutexLock lock(&mutex_);
  quota_.Return(client, {0, bytes});
}

int64_t RequestMemory::bytes() const {
  MutexLock lock(&mutex_);
  return quota_.total().bytes;
}

absl::Status IncomingHold::GrowTo(const std::string& client, int64_t bytes) {
  if (bytes <= bytes_) return absl::OkStatus();
  UNLASTING_RETURN_IF_ERROR(budget_->Take(client, bytes - bytes_));
  client_ = client;
  bytes_ = bytes;
  return absl::OkStatus();
}

void IncomingHold::Release() {
  if (bytes_ > 0) budget_->Return(client_, bytes_);
  bytes_ = 0;
}

}  // namespace unlasting::server
