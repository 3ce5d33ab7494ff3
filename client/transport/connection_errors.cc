#include "client/transport/connection_errors.h"

#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

namespace unlasting::client {
namespace {

absl::Status BadAddress(const std::string& address, const std::string& expected) {
  return absl::InvalidArgumentError(
      absl::StrCat("--server: found '", address, "', expected ", expected));
}

bool IsGrpcTarget(absl::string_view address) {
  for (const char* scheme : {"unix:", "unix-abstract:", "dns:", "ipv4:", "ipv6:", "vsock:"}) {
    if (absl::StartsWith(address, scheme)) return true;
  }
  return false;
}

absl::string_view HostOf(absl::string_view address) {
  return address.substr(0, address.rfind(':'));
}

// Whether `no_proxy` names the host or a domain that it belongs to, as gRPC reads it.
bool WithoutProxy(absl::string_view host) {
  const char* list = std::getenv("no_grpc_proxy");
  if (list == nullptr) list = std::getenv("no_proxy");
  if (list == nullptr) return false;
  for (const absl::string_view entry : absl::StrSplit(list, ',', absl::SkipEmpty())) {
    if (absl::EndsWith(host, absl::StripAsciiWhitespace(entry))) return true;
  }
  return false;
}

}  // namespace

absl::Status CheckAddress(const std::string& address) {
  if (IsGrpcTarget(address)) return absl::OkStatus();
  const size_t scheme = address.find("://");
  if (scheme != std::string::npos) {
    return BadAddress(address, absl::StrCat("HOST:PORT without '", address.substr(0, scheme + 3),
                                            "' and without a path"));
  }
  const size_t colon = address.rfind(':');
  const bool bare_ipv6 = address.find(':') != colon && !absl::StartsWith(address, "[");
  if (bare_ipv6) return BadAddress(address, "[IPv6]:PORT");
  if (colon == std::string::npos || absl::EndsWith(address, "]")) {
    return BadAddress(address, "HOST:PORT; the port is missing, by default it is 50051");
  }
  int port = 0;
  if (!absl::SimpleAtoi(address.substr(colon + 1), &port) || port < 1 || port > 65535) {
    return BadAddress(address, "HOST:PORT with a port from 1 to 65535");
  }
  if (colon == 0) return BadAddress(address, "HOST:PORT; the host is missing");
  return absl::OkStatus();
}

std::string ExplainConnection(absl::string_view message, bool tls) {
  const std::string lower = absl::AsciiStrToLower(message);
  const auto says = [&lower](const char* part) {
    return absl::StrContains(lower, absl::AsciiStrToLower(part));
  };
  if (says("proxy") || says("HTTP CONNECT")) {
    return absl::StrCat("the proxy refuses to connect to the server (", message, ")");
  }
  if (says("Connection refused")) {
    return "connection refused: nothing listens on this port of the host";
  }
  if (says("DNS resolution failed") || says("Domain name not found") ||
      says("Name or service not known") || says("NXDOMAIN")) {
    return "no such host: its name cannot be resolved";
  }
  if (says("wrong version number") || says("WRONG_VERSION_NUMBER") || says("packet length too")) {
    return "the server does not speak TLS: leave out --tls-ca, or ask its operator for the TLS "
           "port";
  }
  if (says("CERTIFICATE_VERIFY_FAILED") || says("certificate verify failed")) {
    return "wrong certificate: that of the server is not signed by the authority in --tls-ca, or "
           "it "
           "has expired";
  }
  if (says("Hostname Verification Check failed") || says("Peer name")) {
    return "wrong certificate: that of the server is for another host name";
  }
  if (says("certificate required") || says("CERTIFICATE_REQUIRED") || says("bad certificate")) {
    return "the server asks for the client's certificate: give --tls-cert and --tls-key";
  }
  if (says("Ssl handshake failed") || says("SSL_ERROR") || says("TLS handshake")) {
    return absl::StrCat(
        "the TLS handshake failed: either the server does not speak TLS or it does "
        "not accept ours (",
        message, ")");
  }
  if (says("Network is unreachable") || says("No route to host")) {
    return "the host cannot be reached: there is no route to it";
  }
  if (says("No such file or directory")) return "the unix socket does not exist";
  if (!tls && (says("Socket closed") || says("Connection reset") || says("GOAWAY") ||
               says("End of TCP stream") ||
               says("connection attempt timed out before receiving "
                    "SETTINGS"))) {
    return "the server closed the connection at once: it may expect TLS (give --tls-ca), or it "
           "is not a gRPC server";
  }
  if (says("SETTINGS frame") || says("http1.x")) {
    return "the server responds, but not with gRPC";
  }
  return std::string(message);
}

std::string ProxyHint(const std::string& address) {
  if (IsGrpcTarget(address) && !absl::StartsWith(address, "dns:")) return "";
  for (const char* variable : {"grpc_proxy", "https_proxy", "http_proxy"}) {
    const char* proxy = std::getenv(variable);
    if (proxy == nullptr || *proxy == '\0') continue;
    if (WithoutProxy(HostOf(address))) return "";
    // A password may stand before the '@'.
    const std::string text = proxy;
    const size_t at = text.rfind('@');
    return absl::StrCat(
        " (through the proxy ", at == std::string::npos ? text : text.substr(at + 1),
        ", which the variable ", variable, " names; no_proxy names hosts to reach without it)");
  }
  return "";
}

}  // namespace unlasting::client
