// Registered control cells, by content. Bounded in memory and time.
#pragma once

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "server/base/clock.h"
#include "server/base/mutex.h"
#include "server/request/control_validation.h"

namespace unlasting::server {

struct ControlStoreOptions {
  int64_t max_bytes = int64_t{1} << 30;
  absl::Duration time_to_live = absl::Hours(1);  // since the last use
};

// Any thread. The least recently used set goes first when memory is short; a set in use by a call
// stays in memory until that call ends, whatever happens here.
class ControlStore {
 public:
  // `clock` outlives the store.
  ControlStore(const ControlStoreOptions& options, const Clock* clock);

  // RESOURCE_EXHAUSTED with reason CONTROL_SET_TOO_LARGE where a set of `bytes` would never fit.
  absl::Status CheckSize(int64_t bytes) const;
  // The set's id: equal content, equal id. CheckSize's error where the set is too large.
  absl::StatusOr<std::string> Add(RawControls controls);
  // Null where unknown or expired; else the time to live begins anew.
  std::shared_ptr<const RawControls> Find(const std::string& id);

  int64_t bytes() const;
  absl::Duration time_to_live() const { return options_.time_to_live; }

 private:
  struct Entry {
    std::string id;
    std::shared_ptr<const RawControls> controls;
    int64_t bytes = 0;
    absl::Time last_use;
  };
  // Most recently used first.
  using Entries = std::list<Entry>;

  void DropExpired() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void DropLast() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ControlStoreOptions options_;
  const Clock* const clock_;
  mutable Mutex mutex_;
  Entries entries_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Entries::iterator> by_id_ ABSL_GUARDED_BY(mutex_);
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

// SHA-256 of everything in `controls`, hexadecimal.
std::string ContentHash(const RawControls& controls);

}  // namespace unlasting::server
