// Time as the server sees it, injected so that tests decide what time it is.
#pragma once

#include "absl/time/time.h"

namespace unlasting::server {

// Monotonic: never jumps when the wall clock is set. Only differences of its times mean anything.
// Any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;

  // The machine's steady clock.
  static const Clock* Steady();
};

}  // namespace unlasting::server
