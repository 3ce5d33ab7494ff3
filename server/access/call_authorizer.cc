#include "server/access/call_authorizer.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "server/base/retry_delay.h"

namespace unlasting::server {
namespace {

constexpr absl::string_view kScheme = "bearer ";
constexpr size_t kMaxTokenBytes = 4096;

}  // namespace

std::string AddressOfPeer(absl::string_view peer) {
  if (absl::StartsWith(peer, "ipv4:") || absl::StartsWith(peer, "ipv6:")) {
    const size_t port = peer.rfind(':');
    if (port > 4) peer = peer.substr(0, port);
  }
  return std::string(peer);
}

absl::StatusOr<std::string> CallAuthorizer::Identify(const Credentials& credentials,
                                                     Role role) const {
  if (tokens_ == nullptr) {
    if (role == Role::kAdmin) {
      return WithReason(
          absl::PermissionDeniedError(
              "the call needs the role admin, and the server was started without --auth-tokens"),
          "ROLE_REQUIRED");
    }
    if (!credentials.certificate_name.empty()) {
      return absl::StrCat("certificate:", credentials.certificate_name);
    }
    return AddressOfPeer(credentials.peer);
  }
  const absl::string_view authorization = credentials.authorization;
  if (!absl::StartsWithIgnoreCase(authorization, kScheme)) {
    return WithReason(
        absl::UnauthenticatedError("expected metadata 'authorization: Bearer TOKEN', found none"),
        "TOKEN_MISSING");
  }
  const absl::string_view token = authorization.substr(kScheme.size());
  const auto owner = token.size() > kMaxTokenBytes ? nullptr : tokens_->Find(std::string(token));
  if (owner == nullptr) {
    return WithReason(absl::UnauthenticatedError("the token is not one of this server's"),
                      "TOKEN_UNKNOWN");
  }
  if (!owner->Has(role)) {
    return WithReason(absl::PermissionDeniedError(
                          absl::StrCat("the token of ", owner->name, " does not have the role ",
                                       role == Role::kAdmin ? "admin" : "predict")),
                      "ROLE_REQUIRED");
  }
  return absl::StrCat("token:", owner->name);
}

absl::StatusOr<std::string> CallAuthorizer::Admit(const Credentials& credentials, Role role) const {
  UNLASTING_ASSIGN_OR_RETURN(const std::string client, Identify(credentials, role));
  const absl::Duration wait = limiter_->Take(client);
  if (wait > absl::ZeroDuration()) {
    return WithRetryDelay(
        WithReason(
            absl::ResourceExhaustedError(
                "the caller exceeds the server's rate of calls (limits.requests_per_second)"),
            "RATE_LIMITED"),
        wait);
  }
  return client;
}

}  // namespace unlasting::server
