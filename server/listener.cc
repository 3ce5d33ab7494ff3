#include "server/listener.h"

// Long because binding, bounding and checking the listening sockets share their state.

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <map>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "core/base/status.h"
#include "server/endpoint.h"

namespace unlasting::server {
namespace {

// File descriptors that are kept for files, models, the admin port and gRPC's own use.
constexpr int kReservedFiles = 64;
constexpr int kCheckSeconds = 2;
// Connections beyond the bounds that wait for those that their peers have just closed, and how long
// they do: gRPC needs a moment to notice.
constexpr size_t kMaxWaiting = 16;
constexpr std::chrono::milliseconds kAdmissionPatience(250);
constexpr int kLookAgainMilliseconds = 10;

}  // namespace

struct Listener::State {
  struct Connection {
    ino_t inode = 0;  // a file descriptor is used again; the socket behind it is another
    std::string peer;
  };

  ~State() {
    for (const int fd : sockets) close(fd);
    if (wake >= 0) close(wake);
    if (!unix_path.empty()) unlink(unix_path.c_str());
  }

  absl::Status Bind(const std::string& flag, const std::string& address, const Endpoint& endpoint,
                    bool alone);
  // Accepted, and neither handed over nor refused.
  struct Waiting {
    int fd = -1;
    Endpoint peer;
    std::chrono::steady_clock::time_point until;
  };

  void Run();
  void Accept(int socket);
  // Hands over or refuses those whose time has come.
  void ServeWaiting();
  void HandOver(int fd, const Endpoint& peer);
  void Refuse(int fd);
  bool Admit(int fd, const std::string& peer);
  void ForgetClosed();

  ListenerOptions options;
  Handler handler;
  std::vector<int> sockets;
  int wake = -1;
  std::string unix_path;
  Endpoint bound;  // of the first socket
  bool is_local = true;
  std::thread thread;

  std::atomic<int64_t> handled{0};  // connections, refused ones included
  std::atomic<int64_t> refused{0};

  // Used by the thread.
  std::map<int, Connection> open;
  std::map<std::string, int> of_peer;
  std::deque<Waiting> waiting;
};

absl::Status Listener::State::Bind(const std::string& flag, const std::string& address,
                                   const Endpoint& endpoint, bool alone) {
  const int fd = socket(endpoint.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return CannotListen(flag, address, strerror(errno));
  sockets.push_back(fd);
  const int on = 1;
  // Lets a restarted server bind its port at once. It does not let two servers share the port.
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (endpoint.address.ss_family == AF_INET6) {
    // [::] alone takes both families, as gRPC's own listener does.
    const int v6_only = alone ? 0 : 1;
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6_only, sizeof(v6_only));
  }
  if (bind(fd, endpoint.get(), endpoint.length) != 0 || listen(fd, SOMAXCONN) != 0) {
    return CannotListen(flag, address, strerror(errno));
  }
  Endpoint actual;
  actual.length = sizeof(actual.address);
  getsockname(fd, reinterpret_cast<sockaddr*>(&actual.address), &actual.length);
  if (sockets.size() == 1) bound = actual;
  is_local = is_local && MachineOf(actual).empty();
  return absl::OkStatus();
}

absl::StatusOr<std::unique_ptr<Listener>> Listener::Open(const std::string& flag,
                                                         const std::string& address,
                                                         const ListenerOptions& options) {
  auto state = std::make_unique<State>();
  state->options = options;
  state->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  UNLASTING_ASSIGN_OR_RETURN(std::vector<Endpoint> endpoints, ResolveEndpoints(flag, address));
  if (absl::StartsWith(address, kUnixPrefix)) {
    const std::string path = address.substr(sizeof(kUnixPrefix) - 1);
    const Endpoint& endpoint = endpoints.front();
    struct stat found = {};
    if (lstat(path.c_str(), &found) == 0) {
      const int other = S_ISSOCK(found.st_mode) ? ConnectTo(endpoint, kCheckSeconds) : -1;
      if (other >= 0) close(other);
      if (other >= 0 || !S_ISSOCK(found.st_mode)) {
        return CannotListen(
            flag, address,
            other >= 0 ? "another server listens there" : "the path is there and is no socket");
      }
      unlink(path.c_str());
    }
    UNLASTING_RETURN_IF_ERROR(state->Bind(flag, address, endpoint, true));
    state->unix_path = path;
  } else {
    // Several addresses, as of "localhost", need one port: a free one is that of the first.
    for (Endpoint& endpoint : endpoints) {
      if (!state->sockets.empty()) {
        reinterpret_cast<sockaddr_in&>(endpoint.address).sin_port =
            reinterpret_cast<const sockaddr_in&>(state->bound.address).sin_port;
      }
      const absl::Status status = state->Bind(flag, address, endpoint, endpoints.size() == 1);
      // The other family may be absent, or within the first.
      if (!status.ok() && state->sockets.size() == 1) return status;
      if (!status.ok()) {
        close(state->sockets.back());
        state->sockets.pop_back();
      }
    }
  }
  return std::unique_ptr<Listener>(new Listener(std::move(state)));
}

Listener::Listener(std::unique_ptr<State> state) : state_(std::move(state)) {}

Listener::~Listener() { Stop(); }

void Listener::Start(Handler handler) {
  state_->handler = std::move(handler);
  state_->thread = std::thread([state = state_.get()] { state->Run(); });
}

void Listener::Stop() {
  if (!state_->thread.joinable()) return;
  const uint64_t one = 1;
  (void)!write(state_->wake, &one, sizeof(one));
  state_->thread.join();
  for (const int fd : state_->sockets) close(fd);
  state_->sockets.clear();
}

int Listener::port() const {
  // IPv4 and IPv6 have the port in the same place.
  if (state_->bound.address.ss_family == AF_UNIX) return 0;
  return ntohs(reinterpret_cast<const sockaddr_in&>(state_->bound.address).sin_port);
}

bool Listener::local() const { return state_->is_local; }

int64_t Listener::refused() const { return state_->refused; }

void Listener::State::Run() {
  std::vector<pollfd> polled;
  for (const int fd : sockets) polled.push_back({fd, POLLIN, 0});
  polled.push_back({wake, POLLIN, 0});
  while (true) {
    const int patience = waiting.empty() ? -1 : kLookAgainMilliseconds;
    if (poll(polled.data(), polled.size(), patience) < 0 && errno != EINTR) break;
    if (polled.back().revents != 0) break;
    ServeWaiting();
    for (size_t k = 0; k + 1 < polled.size(); ++k) {
      if (polled[k].revents != 0) Accept(polled[k].fd);
    }
  }
  for (const Waiting& each : waiting) Refuse(each.fd);
  waiting.clear();
}

void Listener::State::ServeWaiting() {
  const auto now = std::chrono::steady_clock::now();
  for (size_t left = waiting.size(); left > 0; --left) {
    Waiting each = waiting.front();
    waiting.pop_front();
    // A number that has come free since says that there is room.
    const int lower = fcntl(each.fd, F_DUPFD_CLOEXEC, 0);
    if (lower >= 0 && lower < each.fd) {
      close(each.fd);
      each.fd = lower;
    } else if (lower >= 0) {
      close(lower);
    }
    if (Admit(each.fd, MachineOf(each.peer))) {
      HandOver(each.fd, each.peer);
    } else if (now >= each.until) {
      Refuse(each.fd);
    } else {
      waiting.push_back(each);
    }
  }
}

void Listener::State::Refuse(int fd) {
  ++refused;
  close(fd);
}

void Listener::State::HandOver(int fd, const Endpoint& peer) {
  if (peer.address.ss_family != AF_UNIX) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  handler(fd);
}

void Listener::State::Accept(int socket) {
  Endpoint peer;
  peer.length = sizeof(peer.address);
  const int fd = accept4(socket, reinterpret_cast<sockaddr*>(&peer.address), &peer.length,
                         SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (fd < 0) {
    // Out of file descriptors or memory: those of others come free in time, and the connection
    // waits in the system's queue meanwhile.
    const bool gone = errno == EAGAIN || errno == ECONNABORTED || errno == EINTR;
    if (!gone) poll(nullptr, 0, 50);
    return;
  }
  ++handled;
  if (Admit(fd, MachineOf(peer))) {
    HandOver(fd, peer);
  } else if (waiting.size() < kMaxWaiting) {
    waiting.push_back({fd, peer, std::chrono::steady_clock::now() + kAdmissionPatience});
  } else {
    Refuse(fd);
  }
}

bool Listener::State::Admit(int fd, const std::string& peer) {
  // The lowest free number is given out, so that this one says about how many files are open.
  rlimit files = {};
  getrlimit(RLIMIT_NOFILE, &files);
  if (static_cast<int64_t>(fd) >= static_cast<int64_t>(files.rlim_cur) - kReservedFiles) {
    return false;
  }
  const auto over = [&] {
    return static_cast<int>(open.size()) >= options.max_connections ||
           (!peer.empty() && of_peer[peer] >= std::max(1, options.max_connections / 2));
  };
  const auto reused = open.find(fd);
  if (reused != open.end()) {
    if (--of_peer[reused->second.peer] <= 0) of_peer.erase(reused->second.peer);
    open.erase(reused);
  }
  if (over()) ForgetClosed();
  if (over()) return false;
  struct stat own = {};
  fstat(fd, &own);
  open[fd] = {own.st_ino, peer};
  ++of_peer[peer];
  return true;
}

void Listener::State::ForgetClosed() {
  for (auto each = open.begin(); each != open.end();) {
    struct stat now = {};
    const bool same =
        fstat(each->first, &now) == 0 && S_ISSOCK(now.st_mode) && now.st_ino == each->second.inode;
    if (!same && --of_peer[each->second.peer] <= 0) of_peer.erase(each->second.peer);
    each = same ? std::next(each) : open.erase(each);
  }
}

absl::Status Listener::SelfCheck(bool plaintext) {
  const int64_t before = state_->handled;
  Endpoint self = state_->bound;
  // Every address of the machine: its own is among them.
  if (self.address.ss_family == AF_INET) {
    auto& in = reinterpret_cast<sockaddr_in&>(self.address);
    if (in.sin_addr.s_addr == INADDR_ANY) in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  } else if (self.address.ss_family == AF_INET6) {
    auto& in = reinterpret_cast<sockaddr_in6&>(self.address);
    if (IN6_IS_ADDR_UNSPECIFIED(&in.sin6_addr)) in.sin6_addr = in6addr_loopback;
  }
  const int fd = ConnectTo(self, kCheckSeconds);
  if (fd < 0) {
    return absl::UnavailableError(
        absl::StrCat("cannot connect to the own port: ", strerror(errno)));
  }
  // A connection that is refused because there are too many shows that somebody accepts. Where it
  // is not, gRPC speaks first.
  char byte = 0;
  const bool spoke = !plaintext || recv(fd, &byte, 1, 0) >= 0;
  for (int waited = 0; state_->handled == before && waited < 1000 * kCheckSeconds; waited += 10) {
    poll(nullptr, 0, 10);
  }
  close(fd);
  if (spoke && state_->handled != before) return absl::OkStatus();
  return absl::UnavailableError("nobody accepts the connections of the own port");
}

int64_t RaiseFileLimit() {
  rlimit files = {};
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return 0;
  if (files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    getrlimit(RLIMIT_NOFILE, &files);
  }
  return static_cast<int64_t>(files.rlim_cur);
}

}  // namespace unlasting::server
