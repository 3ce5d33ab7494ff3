// Who calls, and whether that caller may: tokens, roles, rates. Knows nothing of gRPC.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/access/rate_limiter.h"
#include "server/access/tokens.h"

namespace unlasting::server {

// What a call's transport tells of its caller.
struct Credentials {
  std::string authorization;     // the metadata of this name; "" where there is none
  std::string certificate_name;  // of the peer's verified certificate; "" without mutual TLS
  std::string peer;              // gRPC's peer, e.g. "ipv4:10.0.0.7:41234"
};

// Any thread.
class CallAuthorizer {
 public:
  // `tokens` may be null: then everybody has the role predict and nobody the role admin. Pointees
  // outlive the gate.
  CallAuthorizer(const TokenFile* tokens, RateLimiter* limiter)
      : tokens_(tokens), limiter_(limiter) {}

  // The caller's name for limits, fairness and logs: the token's owner, else the certificate's
  // name, else the address. UNAUTHENTICATED with reason TOKEN_MISSING or TOKEN_UNKNOWN,
  // PERMISSION_DENIED with reason ROLE_REQUIRED, RESOURCE_EXHAUSTED with reason RATE_LIMITED and
  // RetryInfo.
  absl::StatusOr<std::string> Admit(const Credentials& credentials, Role role) const;

 private:
  absl::StatusOr<std::string> Identify(const Credentials& credentials, Role role) const;

  const TokenFile* const tokens_;
  RateLimiter* const limiter_;
};

// The address of gRPC's peer without its port, so that all connections of a machine are one caller.
std::string AddressOfPeer(absl::string_view peer);

}  // namespace unlasting::server
