// This header says in a user's words why a server cannot be reached, which gRPC says in its own.
// Pure functions but for the proxy's variables; any thread.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace unlasting::client {

// INVALID_ARGUMENT where `address` is a URL, has no port or one beyond 65535. HOST:PORT,
// [IPv6]:PORT and gRPC's own forms (unix:PATH, dns:..., ipv4:..., ipv6:...) are fine.
absl::Status CheckAddress(const std::string& address);

// The cause behind gRPC's message of a connection that failed: connection refused, no such host, a
// wrong certificate, TLS against plaintext and the other way round, a proxy. `tls` says whether we
// spoke TLS. gRPC's message where it is none of these.
std::string ExplainConnection(absl::string_view message, bool tls);

// " (through the proxy P, which the variable http_proxy names; no_proxy names hosts to reach
// without it)", or "" where gRPC goes to `address` directly.
std::string ProxyHint(const std::string& address);

}  // namespace unlasting::client
