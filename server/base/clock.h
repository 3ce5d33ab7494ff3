// A Clock tells the rooms of the server what time it is; it is injected, so that tests decide.
//
// Any thread may read a clock. Users keep a pointer; the clock outlives them.
#pragma once

#include "absl/time/time.h"

namespace unlasting::server {

// Monotonic: the time never jumps when the wall clock is set. Only differences between two times of
// one clock mean anything.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual absl::Time Now() const = 0;

  // The machine's steady clock; it lives as long as the process.
  static const Clock* Steady();
};

}  // namespace unlasting::server
