// A Listener accepts the connections of the gRPC port and hands them to gRPC, in place of gRPC's
// own listener, which is lost for good once the process runs out of file descriptors
// (CVE-2023-4785), and which bounds neither connections nor the number of a port.
//
//   UNLASTING_ASSIGN_OR_RETURN(auto listener, Listener::Open("--listen", "127.0.0.1:0", options));
//   ... build the gRPC server with an external acceptor ...
//   listener->Start([acceptor](int fd) { ... });
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace unlasting::server {

struct ListenerOptions {
  // Connections that may be open at once. Those of one address, other than this machine's, may be
  // half of them. Fewer are open where the process has fewer file descriptors.
  int max_connections = 1000;
};

// Accepts on a thread of its own, between Start and Stop. What is beyond the bounds is closed,
// a few of them after a quarter of a second in which others may be found to have been closed.
class Listener {
 public:
  // Takes ownership of a connected socket.
  using Handler = std::function<void(int fd)>;

  // Binds `address`: HOST:PORT, where port 0 takes a free one and an IPv6 host stands in brackets,
  // or unix:PATH, where a socket that nobody listens on is replaced. INVALID_ARGUMENT for another
  // form, UNAVAILABLE where it cannot be bound; `flag` names the setting in messages.
  static absl::StatusOr<std::unique_ptr<Listener>> Open(const std::string& flag,
                                                        const std::string& address,
                                                        const ListenerOptions& options);
  // Stops.
  ~Listener();

  void Start(Handler handler);
  // No connection is accepted from here on.
  void Stop();

  // 0 for a unix socket.
  int port() const;
  // Whether only programs of this machine reach it.
  bool local() const;
  // Connects to itself and waits until the connection has been accepted and, in plaintext, gRPC has
  // sent its first frame. Errors: UNAVAILABLE after two seconds. Any thread, once Start was called.
  absl::Status SelfCheck(bool plaintext);
  // Connections that were closed because there were too many.
  int64_t refused() const;

 private:
  struct State;
  explicit Listener(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Raises the soft limit of open files to the hard one, and returns it.
int64_t RaiseFileLimit();

}  // namespace unlasting::server
