// AdminHttp serves operators and probes over plain HTTP: /metrics, /healthz, /readyz and /version.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace unlasting::server {

struct AdminPages {
  std::function<std::string()> metrics;  // Prometheus text format
  std::function<bool()> ready;           // /readyz responds with 200 where true, else with 503
  std::function<bool()> alive;           // /healthz likewise
  std::string version;                   // JSON
};

// Serves from a thread of its own, which calls the pages' functions, until it is destroyed. A
// client that takes more than 10 seconds is dropped, and delays no other meanwhile; beyond 64
// clients at once the next ones wait. GET and HEAD are served; what follows '?' in a path is not
// looked at.
class AdminHttp {
 public:
  // `address` is ADDRESS:PORT, where ADDRESS is numeric or "localhost" and port 0 takes a free one.
  // Errors: INVALID_ARGUMENT where `address` has another form, UNAVAILABLE where it cannot be
  // bound.
  static absl::StatusOr<std::unique_ptr<AdminHttp>> Start(const std::string& address,
                                                          AdminPages pages);
  ~AdminHttp();

  int port() const;

 private:
  struct State;
  explicit AdminHttp(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace unlasting::server
