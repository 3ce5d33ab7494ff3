// HealthService is grpc.health.v1.Health. It stands in place of gRPC's own, whose open Watch
// streams hold up a server that drains, and which reads requests of any size.
//
//   HealthService health(&guests);
//   health.Set("readiness", true);
//   health.End();   // the watchers are told NOT_SERVING, and their streams end
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "server/base/mutex.h"
#include "server/rpc/guest_streams.h"
#include "server/rpc/raw_service.h"

namespace unlasting::server {

// Any thread. Outlives its streams.
class HealthService : public RawService {
 public:
  // `guests` outlives this.
  explicit HealthService(GuestStreams* guests);
  ~HealthService() override;

  // Whether the service of this name is served, from now on; watchers are told.
  void Set(const std::string& name, bool serving);
  // Ends the watchers' streams with UNAVAILABLE once they have been told. Later ones end at once.
  void End();

 private:
  class CheckStream;
  class WatchStream;
  // What a client is told of a name; -1 where it is unknown.
  int StatusOf(const std::string& name) const;

  mutable Mutex mutex_;
  std::map<std::string, bool> serving_ ABSL_GUARDED_BY(mutex_);
  std::set<WatchStream*> watchers_ ABSL_GUARDED_BY(mutex_);
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace unlasting::server
