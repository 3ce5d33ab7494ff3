// What every service of one server shares.
#pragma once

#include <cstdint>

#include "server/access/call_authorizer.h"
#include "server/base/clock.h"
#include "server/base/work_pool.h"
#include "server/config/limits.h"
#include "server/metrics/metrics.h"
#include "server/models/model_registry.h"
#include "server/request/control_store.h"
#include "server/request/request_memory.h"

namespace unlasting::server {

// Pointees outlive all calls.
struct ServiceContext {
  ModelRegistry* models = nullptr;
  ControlStore* controls = nullptr;
  const CallAuthorizer* gate = nullptr;
  RequestMemory* incoming = nullptr;
  Metrics* metrics = nullptr;
  const Clock* clock = nullptr;
  WorkPool* prepare_pool = nullptr;  // decoding and validating requests
  WorkPool* write_pool = nullptr;    // encoding answers
  RequestLimits limits;
  int64_t chunk_bytes = 1 << 20;
  int64_t outbox_bytes = 32 << 20;
};

}  // namespace unlasting::server
