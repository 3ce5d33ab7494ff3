// The operator's door over HTTP: /metrics, /healthz, /readyz, /version.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"

namespace unlasting::server {

struct AdminPages {
  std::function<std::string()> metrics;  // Prometheus text format
  std::function<bool()> ready;           // /readyz answers 200 or 503
  std::string version;                   // JSON
};

// Serves from a thread of its own until destroyed; a client that dawdles is dropped after 10
// seconds and holds up no other. /healthz answers 200 as long as this lives.
class AdminHttp {
 public:
  // `address` is ADDRESS:PORT, the address numeric or "localhost"; port 0 takes a free one.
  // INVALID_ARGUMENT where it is not of that form, UNAVAILABLE where it cannot be bound.
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
