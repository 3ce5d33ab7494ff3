#include "server/endpoint.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status.h"

namespace unlasting::server {
namespace {

absl::StatusOr<Endpoint> UnixEndpoint(const std::string& flag, const std::string& path) {
  Endpoint endpoint;
  auto& un = reinterpret_cast<sockaddr_un&>(endpoint.address);
  if (path.empty() || path.size() >= sizeof(un.sun_path)) {
    return absl::InvalidArgumentError(absl::StrCat(flag, ": found a path of ", path.size(),
                                                   " bytes, expected unix:PATH with 1 to ",
                                                   sizeof(un.sun_path) - 1));
  }
  un.sun_family = AF_UNIX;
  std::memcpy(un.sun_path, path.c_str(), path.size() + 1);
  endpoint.length = sizeof(un);
  return endpoint;
}

std::string MachineOfIpv4(const in_addr& address) {
  if (ntohl(address.s_addr) >> 24 == 127) return "";
  return std::string(reinterpret_cast<const char*>(&address), sizeof(address));
}

}  // namespace

absl::Status CannotListen(const std::string& flag, const std::string& address,
                          const std::string& why) {
  return absl::UnavailableError(
      absl::StrCat(flag, ": cannot listen on ", address, ": ", why,
                   "; expected an address of this machine and a port that is not in use"));
}

absl::StatusOr<std::vector<Endpoint>> ResolveEndpoints(const std::string& flag,
                                                       const std::string& address) {
  if (absl::StartsWith(address, kUnixPrefix)) {
    UNLASTING_ASSIGN_OR_RETURN(const Endpoint endpoint,
                               UnixEndpoint(flag, address.substr(sizeof(kUnixPrefix) - 1)));
    return std::vector<Endpoint>{endpoint};
  }
  const size_t colon = address.rfind(':');
  int port = -1;
  if (colon == std::string::npos || !absl::SimpleAtoi(address.substr(colon + 1), &port) ||
      port < 0 || port > 65535) {
    return absl::InvalidArgumentError(
        absl::StrCat(flag, ": found '", address,
                     "', expected HOST:PORT with a port from 0 to 65535, or unix:PATH"));
  }
  absl::string_view host = absl::string_view(address).substr(0, colon);
  if (absl::ConsumePrefix(&host, "[")) absl::ConsumeSuffix(&host, "]");
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const int error = getaddrinfo(host.empty() ? nullptr : std::string(host).c_str(),
                                absl::StrCat(port).c_str(), &hints, &found);
  if (error != 0) return CannotListen(flag, address, gai_strerror(error));
  std::vector<Endpoint> endpoints;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    Endpoint endpoint;
    std::memcpy(&endpoint.address, each->ai_addr, each->ai_addrlen);
    endpoint.length = each->ai_addrlen;
    endpoints.push_back(endpoint);
  }
  freeaddrinfo(found);
  return endpoints;
}

std::string MachineOf(const Endpoint& peer) {
  if (peer.address.ss_family == AF_INET) {
    return MachineOfIpv4(reinterpret_cast<const sockaddr_in&>(peer.address).sin_addr);
  }
  if (peer.address.ss_family == AF_INET6) {
    const auto& in = reinterpret_cast<const sockaddr_in6&>(peer.address);
    if (IN6_IS_ADDR_LOOPBACK(&in.sin6_addr)) return "";
    if (IN6_IS_ADDR_V4MAPPED(&in.sin6_addr)) {
      // What a socket of both families makes of a peer that speaks IPv4.
      in_addr mapped = {};
      std::memcpy(&mapped, &in.sin6_addr.s6_addr[12], sizeof(mapped));
      return MachineOfIpv4(mapped);
    }
    return std::string(reinterpret_cast<const char*>(&in.sin6_addr), 8);
  }
  return "";
}

int ConnectTo(const Endpoint& endpoint, int seconds) {
  const int fd = socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const timeval patience = {seconds, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  if (connect(fd, endpoint.get(), endpoint.length) == 0) return fd;
  close(fd);
  return -1;
}

}  // namespace unlasting::server
