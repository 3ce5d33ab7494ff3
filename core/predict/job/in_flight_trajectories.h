// Paths of one engine that are under way, by what they are made from, so that jobs in need of the
// same one go it together: two requests about the same control cells, or many small ones that want
// the panel's thresholds under the same perturbation.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

namespace unlasting::predict {

struct Path;  // path.h

// On the thread that steps the engine.
class PathsInWork {
 public:
  // Null where none is under way.
  std::shared_ptr<Path> Find(const std::string& key) const;
  void Add(const std::string& key, const std::shared_ptr<Path>& path) { paths_[key] = path; }
  void Remove(const std::string& key) { paths_.erase(key); }
  size_t size() const { return paths_.size(); }

 private:
  std::unordered_map<std::string, std::weak_ptr<Path>> paths_;
};

}  // namespace unlasting::predict
