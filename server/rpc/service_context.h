// A ServiceContext holds what all services of one server share: the rooms below, the thread pools
// and the limits.
#pragma once

#include <cstdint>

#include "server/access/call_authorizer.h"
#include "server/base/clock.h"
#include "server/base/fair_pool.h"
#include "server/base/work_pool.h"
#include "server/config/limits.h"
#include "server/metrics/metrics.h"
#include "server/models/model_registry.h"
#include "server/request/control_store.h"
#include "server/request/request_memory.h"
#include "server/rpc/open_calls.h"

namespace unlasting::server {

// The context owns nothing; what it points to outlives all calls.
struct ServiceContext {
  ModelRegistry* models = nullptr;
  ControlStore* controls = nullptr;
  const CallAuthorizer* authorizer = nullptr;
  RequestMemory* request_memory = nullptr;
  Metrics* metrics = nullptr;
  const Clock* clock = nullptr;
  OpenCalls* open_calls = nullptr;
  FairPool* prepare_pool = nullptr;  // decoding and validating requests
  WorkPool* write_pool = nullptr;    // encoding responses
  RequestLimits limits;
  int64_t chunk_bytes = 1 << 20;            // about the size of a chunk of profiles
  int64_t response_queue_bytes = 32 << 20;  // results that may wait for one reader
  // How long a caller may send nothing while the server waits for its next message.
  absl::Duration read_patience = absl::Seconds(120);
  // Working time that one request may take before it is in a queue.
  absl::Duration max_preparation = absl::Seconds(300);
};

}  // namespace unlasting::server
