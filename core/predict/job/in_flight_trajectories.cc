#include "core/predict/job/in_flight_trajectories.h"

namespace unlasting::predict {

std::shared_ptr<Trajectory> InFlightTrajectories::Find(const std::string& key) const {
  const auto found = trajectories_.find(key);
  return found == trajectories_.end() ? nullptr : found->second.lock();
}

}  // namespace unlasting::predict
