// ControlStore holds the registered control cells of a server by their content, so that a set is
// uploaded once and used by many calls. It is bounded in memory and in time.
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
#include "core/cells/control_matrix.h"
#include "server/base/clock.h"
#include "server/base/mutex.h"

namespace unlasting::server {

struct ControlStoreOptions {
  int64_t max_bytes = int64_t{1} << 30;
  absl::Duration time_to_live = absl::Hours(1);  // since the last use
};

// Any thread. Where memory is short, the least recently used set is dropped first; a call keeps the
// set that it uses until the call finishes, even if the store drops it.
class ControlStore {
 public:
  // `clock` outlives the store.
  ControlStore(const ControlStoreOptions& options, const Clock* clock);

  // RESOURCE_EXHAUSTED with reason CONTROL_SET_TOO_LARGE where a set of `bytes` would never fit.
  absl::Status CheckSize(int64_t bytes) const;
  // Returns the set's id; equal content has an equal id. CheckSize's error where the set is too
  // large. `controls` has been checked (control_validation.h).
  absl::StatusOr<std::string> Add(cells::ControlMatrix controls);
  // Null where the id is unknown or has expired; otherwise the time to live begins again.
  std::shared_ptr<const cells::ControlMatrix> Find(const std::string& id);

  int64_t bytes() const;
  absl::Duration time_to_live() const { return options_.time_to_live; }

 private:
  struct Entry {
    std::string id;
    std::shared_ptr<const cells::ControlMatrix> controls;
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
std::string ContentHash(const cells::ControlMatrix& controls);

}  // namespace unlasting::server
