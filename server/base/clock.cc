#include "server/base/clock.h"

#include <chrono>

namespace unlasting::server {
namespace {

class SteadyClock : public Clock {
 public:
  absl::Time Now() const override {
    return absl::UnixEpoch() +
           absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
  }
};

}  // namespace

const Clock* Clock::Steady() {
  static const SteadyClock* const kClock = new SteadyClock();
  return kClock;
}

}  // namespace unlasting::server
