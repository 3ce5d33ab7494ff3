// MoleculeCache keeps what was found out about molecules that callers asked for lately, by bundle
// and text: reading a structure and comparing it with those of the training takes milliseconds to
// tenths of a second, and a screen names the same drugs again and again.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/statusor.h"
#include "core/base/lru_map.h"
#include "core/predict/query/perturbation.h"

namespace unlasting::predict {

// Any thread.
class MoleculeCache {
 public:
  // What does not depend on the dose. An error is kept as well as a result: it took as long.
  using Result = absl::StatusOr<std::shared_ptr<const Perturbation>>;

  explicit MoleculeCache(size_t max_entries) : max_entries_(max_entries) {}

  // The result for `key`, made by `make` without a lock where it is not kept.
  Result Get(const std::string& key, const std::function<Result()>& make);

  // That of the process: 512 molecules, about 5 MB.
  static MoleculeCache& Shared();

 private:
  const size_t max_entries_;
  std::mutex mutex_;
  LruMap<std::string, Result> results_;  // guarded by mutex_
};

}  // namespace unlasting::predict
