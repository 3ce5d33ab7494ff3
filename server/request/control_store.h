// ControlStore holds the registered control cells of a server for the callers that uploaded them,
// so that a set is uploaded once and used by many calls. It is bounded in memory and in time, for
// all callers together and for each.
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
  int64_t max_client_bytes = int64_t{1} << 28;
  absl::Duration time_to_live = absl::Hours(1);  // since the last use
};

// Any thread. Where a caller's memory is short, its least recently used set is dropped first, and
// never another caller's; a call keeps the set that it uses until the call finishes, even if the
// store drops it. Two callers with equal cells have two ids and share the memory.
class ControlStore {
 public:
  // `clock` outlives the store.
  ControlStore(const ControlStoreOptions& options, const Clock* clock);

  // RESOURCE_EXHAUSTED with reason CONTROL_SET_TOO_LARGE where a set of `bytes` would never fit.
  absl::Status CheckSize(int64_t bytes) const;
  // Returns the set's id: a hash of its content and of `client`, keyed with a secret of this store,
  // so that nobody can make up another caller's. Equal content of one caller has an equal id.
  // CheckSize's error where the set is too large; RESOURCE_EXHAUSTED with reason CONTROL_STORE_FULL
  // and a RetryInfo where other callers' sets leave no room. `controls` has been checked
  // (control_validation.h).
  absl::StatusOr<std::string> Add(const std::string& client, cells::ControlMatrix controls);
  // Null where the id is unknown, has expired or is not `client`'s; otherwise the time to live
  // begins again.
  std::shared_ptr<const cells::ControlMatrix> Find(const std::string& client,
                                                   const std::string& id);

  // Of all sets, equal ones of several callers once.
  int64_t bytes() const;
  absl::Duration time_to_live() const { return options_.time_to_live; }

 private:
  struct Content {
    std::shared_ptr<const cells::ControlMatrix> controls;
    int64_t bytes = 0;
    int owners = 0;
  };
  using Contents = std::map<std::string, Content>;  // by ContentHash
  struct Entry {
    std::string id;
    std::string client;
    Contents::iterator content;
    absl::Time last_use;
  };
  // Most recently used first.
  using Entries = std::list<Entry>;

  std::string IdOf(const std::string& client, const std::string& content) const;
  void DropExpired() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Drop(Entries::iterator entry) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Drops the client's least recently used set; returns whether it has one.
  bool DropOldestOf(const std::string& client) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Drops sets of the client until `bytes` more are within its limit and `new_bytes` more within
  // that of all.
  absl::Status MakeRoom(const std::string& client, int64_t bytes, int64_t new_bytes)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  const ControlStoreOptions options_;
  const Clock* const clock_;
  const std::string secret_;
  mutable Mutex mutex_;
  Contents contents_ ABSL_GUARDED_BY(mutex_);
  Entries entries_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, Entries::iterator> by_id_ ABSL_GUARDED_BY(mutex_);
  std::map<std::string, int64_t> client_bytes_ ABSL_GUARDED_BY(mutex_);
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

// SHA-256 of everything in `controls`, hexadecimal.
std::string ContentHash(const cells::ControlMatrix& controls);

}  // namespace unlasting::server
