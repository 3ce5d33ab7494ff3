#include "server/access/rate_limiter.h"

#include <algorithm>

namespace unlasting::server {
namespace {

constexpr size_t kMinClientsToForget = 1024;

}  // namespace

RateLimiter::RateLimiter(const RateLimit& limit, const Clock* clock)
    : limit_(limit), clock_(clock), forget_at_(kMinClientsToForget) {}

double RateLimiter::CallsNow(const Bucket& bucket, absl::Time now) const {
  const double grown = absl::ToDoubleSeconds(now - bucket.filled) * limit_.per_second;
  return std::min(limit_.burst, bucket.calls + std::max(0.0, grown));
}

absl::Duration RateLimiter::Take(const std::string& client) {
  if (limit_.per_second <= 0) return absl::ZeroDuration();
  const absl::Time now = clock_->Now();
  MutexLock lock(&mutex_);
  if (buckets_.size() >= forget_at_) {
    for (auto each = buckets_.begin(); each != buckets_.end();) {
      each = CallsNow(each->second, now) >= limit_.burst ? buckets_.erase(each) : std::next(each);
    }
    // Doubling keeps the cost of forgetting constant per call.
    forget_at_ = std::max(kMinClientsToForget, 2 * buckets_.size());
  }
  Bucket& bucket = buckets_.emplace(client, Bucket{limit_.burst, now}).first->second;
  bucket.calls = CallsNow(bucket, now);
  bucket.filled = now;
  if (bucket.calls >= 1) {
    bucket.calls -= 1;
    return absl::ZeroDuration();
  }
  return absl::Seconds((1 - bucket.calls) / limit_.per_second);
}

size_t RateLimiter::clients() const {
  MutexLock lock(&mutex_);
  return buckets_.size();
}

}  // namespace unlasting::server
