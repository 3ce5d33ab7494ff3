// InFlightTrajectories knows the trajectories of one engine that are under way by what they are
// made from, so that jobs in need of the same one compute it once: two requests about the same
// control cells, or many small ones that want the panel's thresholds under the same perturbation.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

namespace unlasting::predict {

struct Trajectory;  // trajectory.h

// Owned by whoever owns the engine, outlives its jobs, and is used on the thread that steps it.
class InFlightTrajectories {
 public:
  // Null where none is under way.
  std::shared_ptr<Trajectory> Find(const std::string& key) const;
  void Add(const std::string& key, const std::shared_ptr<Trajectory>& trajectory) {
    trajectories_[key] = trajectory;
  }
  void Remove(const std::string& key) { trajectories_.erase(key); }
  size_t size() const { return trajectories_.size(); }

 private:
  std::unordered_map<std::string, std::weak_ptr<Trajectory>> trajectories_;
};

}  // namespace unlasting::predict
