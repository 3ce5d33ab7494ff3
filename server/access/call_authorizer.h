// A CallAuthorizer decides who a caller is and whether its call is allowed, by tokens, roles and
// rates. It knows nothing of gRPC.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "server/access/rate_limiter.h"
#include "server/access/tokens.h"

namespace unlasting::server {

// What the transport of a call says about the caller.
struct Credentials {
  std::string authorization;     // metadata of this name; "" where there is none
  std::string certificate_name;  // of the peer's verified certificate; "" without mutual TLS
  std::string peer;              // as gRPC writes it, e.g. "ipv4:10.0.0.7:41234"
};

// Any thread.
class CallAuthorizer {
 public:
  // `tokens` may be null: then every caller has the role predict and none has the role admin. Both
  // outlive this.
  CallAuthorizer(const TokenFile* tokens, RateLimiter* limiter)
      : tokens_(tokens), limiter_(limiter) {}

  // Returns the caller's name for limits, fairness and logs: the owner of the token, or else the
  // name in the certificate, or else the address. Errors: UNAUTHENTICATED with reason TOKEN_MISSING
  // or TOKEN_UNKNOWN, PERMISSION_DENIED with reason ROLE_REQUIRED, RESOURCE_EXHAUSTED with reason
  // RATE_LIMITED and a RetryInfo.
  absl::StatusOr<std::string> Admit(const Credentials& credentials, Role role) const;

 private:
  absl::StatusOr<std::string> Identify(const Credentials& credentials, Role role) const;

  const TokenFile* const tokens_;
  RateLimiter* const limiter_;
};

// The address in `peer` without its port, so that all connections of a machine are one caller.
std::string AddressOfPeer(absl::string_view peer);

}  // namespace unlasting::server
