#include "core/predict/query/molecule_cache.h"

namespace unlasting::predict {

MoleculeCache::Result MoleculeCache::Get(const std::string& key,
                                         const std::function<Result()>& make) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (const Result* kept = results_.Find(key)) return *kept;
  }
  Result made = make();
  const std::lock_guard<std::mutex> lock(mutex_);
  results_.Insert(key, made);
  while (results_.size() > max_entries_) results_.TakeOldest();
  return made;
}

MoleculeCache& MoleculeCache::Shared() {
  static auto* const cache = new MoleculeCache(512);
  return *cache;
}

}  // namespace unlasting::predict
