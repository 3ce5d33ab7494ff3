// A RateLimiter bounds how often each client calls, with a token bucket per client: `burst` calls
// at once after a rest, and `per_second` calls per second in the long run.
#pragma once

#include <cstddef>
#include <map>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/base/mutex.h"

namespace unlasting::server {

struct RateLimit {
  double per_second = 0;  // 0: no limit
  double burst = 20;      // calls, 1 or more
};

// Any thread.
class RateLimiter {
 public:
  // `clock` outlives the limiter.
  RateLimiter(const RateLimit& limit, const Clock* clock);

  // Takes a call from the client's bucket and returns zero; or takes nothing and returns how long
  // the client has to wait until there is a call in its bucket.
  absl::Duration Take(const std::string& client);

  // The number of clients remembered. A client whose bucket is full again may be forgotten.
  size_t clients() const;

 private:
  struct Bucket {
    double calls = 0;
    absl::Time filled;  // the time at which the bucket held `calls`
  };

  double CallsNow(const Bucket& bucket, absl::Time now) const;

  const RateLimit limit_;
  const Clock* const clock_;
  mutable Mutex mutex_;
  std::map<std::string, Bucket> buckets_ ABSL_GUARDED_BY(mutex_);
  size_t forget_at_ ABSL_GUARDED_BY(mutex_);  // number of clients at which full ones are forgotten
};

}  // namespace unlasting::server
