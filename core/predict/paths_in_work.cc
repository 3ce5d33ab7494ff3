#include "core/predict/paths_in_work.h"

#include "core/predict/path.h"

namespace unlasting::predict {

std::shared_ptr<Path> PathsInWork::Find(const std::string& key) const {
  const auto found = paths_.find(key);
  return found == paths_.end() ? nullptr : found->second.lock();
}

}  // namespace unlasting::predict
