// Paths of one engine that are under way, by what they are made from, so that jobs in need of the
// same one go it together: two requests about the same control cells, or many small ones that want
// the panel's thresholds under the same perturbation.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

namespace unlasting::predict {

struct Trajectory;  // trajectory.h

// On the thread that steps the engine.
class InFlightTrajectories {
 public:
  // Null where none is under way.
  std::shared_ptr<Trajectory> Find(const std::string& key) const;
  void Add(const std::string& key, const std::shared_ptr<Trajectory>& trajectory) {
    paths_[key] = trajectory;
  }
  void Remove(const std::string& key) { paths_.erase(key); }
  size_t size() const { return paths_.size(); }

 private:
  std::unordered_map<std::string, std::weak_ptr<Trajectory>> paths_;
};

}  // namespace unlasting::predict
