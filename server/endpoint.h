// An Endpoint is an address that the server's listener binds: of TCP, or of a unix socket.
#pragma once

#include <sys/socket.h>

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unlasting::server {

inline constexpr char kUnixPrefix[] = "unix:";

// A plain value.
struct Endpoint {
  sockaddr_storage address = {};
  socklen_t length = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address); }
};

// The endpoints of `address`: HOST:PORT, whose host may have several, or unix:PATH. Errors name
// `flag`: INVALID_ARGUMENT for another form, UNAVAILABLE for a host that is not known.
absl::StatusOr<std::vector<Endpoint>> ResolveEndpoints(const std::string& flag,
                                                       const std::string& address);

// UNAVAILABLE: `address` cannot be bound, because `why`.
absl::Status CannotListen(const std::string& flag, const std::string& address,
                          const std::string& why);

// The machine that a connection comes from, without its port; "" for this machine. Of IPv6 its
// network of 64 bits, which a machine has to itself.
std::string MachineOf(const Endpoint& peer);

// A socket connected to `endpoint`, whose sends and receives give up after `seconds`; -1 with errno
// where it cannot be connected.
int ConnectTo(const Endpoint& endpoint, int seconds);

}  // namespace unlasting::server
