#include "server/listener.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <vector>

#include "gmock/gmock.h"
#include "server/base/mutex.h"
#include "server/endpoint.h"
#include "tests/support/files.h"
#include "tests/support/wait_until.h"

namespace unlasting::server {
namespace {

using testing::HasSubstr;

// Keeps the connections it is handed, and says a byte to each as gRPC would.
class Keeper {
 public:
  ~Keeper() { CloseAll(); }
  Listener::Handler Handler() {
    return [this](int fd) {
      const char byte = 0;
      send(fd, &byte, 1, MSG_NOSIGNAL);
      MutexLock lock(&mutex_);
      fds_.push_back(fd);
    };
  }
  size_t count() {
    MutexLock lock(&mutex_);
    return fds_.size();
  }
  void CloseAll() {
    MutexLock lock(&mutex_);
    for (const int fd : fds_) close(fd);
    fds_.clear();
  }

 private:
  Mutex mutex_;
  std::vector<int> fds_ ABSL_GUARDED_BY(mutex_);
};

int Connect(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  EXPECT_EQ(connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  return fd;
}

// Whether the other side closes the connection.
bool IsClosed(int fd) {
  char byte;
  ssize_t got;
  while ((got = recv(fd, &byte, 1, 0)) > 0) {
  }
  return got == 0 || errno == ECONNRESET;
}

TEST(Listener, RefusesAddressesThatAreNone) {
  for (const char* address : {"127.0.0.1:99999", "127.0.0.1:-1", "127.0.0.1:", "127.0.0.1:http",
                              "127.0.0.1", "", "unix:"}) {
    const auto listener = Listener::Open("--listen", address, {});
    EXPECT_EQ(listener.status().code(), absl::StatusCode::kInvalidArgument) << address;
    EXPECT_THAT(std::string(listener.status().message()), HasSubstr("--listen: ")) << address;
  }
  EXPECT_EQ(Listener::Open("--listen", "unix:" + std::string(200, 'x'), {}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Listener::Open("--listen", "192.0.2.1:0", {}).status().code(),
            absl::StatusCode::kUnavailable);
}

TEST(Listener, MachinesAreToldApartInBothFamilies) {
  const auto machine = [](const std::string& address) {
    const auto endpoints = ResolveEndpoints("--listen", address);
    EXPECT_OK(endpoints.status());
    return endpoints.ok() ? MachineOf(endpoints->front()) : "";
  };
  EXPECT_EQ(machine("[::ffff:192.0.2.1]:1"), machine("192.0.2.1:2"));
  EXPECT_NE(machine("[::ffff:192.0.2.1]:1"), machine("[::ffff:192.0.2.2]:1"));
  EXPECT_EQ(machine("[2001:db8::1]:1"), machine("[2001:db8::2]:1"));
  EXPECT_NE(machine("[2001:db8::1]:1"), machine("[2001:db8:0:1::1]:1"));
  for (const char* own : {"127.0.0.1:1", "127.1.2.3:1", "[::1]:1", "[::ffff:127.0.0.1]:1"}) {
    EXPECT_EQ(machine(own), "") << own;
  }
  EXPECT_NE(machine("[::]:1"), "");
  EXPECT_NE(machine("0.0.0.0:1"), "");
}

TEST(Listener, TwoOfThemDoNotShareAPort) {
  const auto first = Listener::Open("--listen", "127.0.0.1:0", {});
  ASSERT_OK(first);
  const auto second =
      Listener::Open("--listen", "127.0.0.1:" + std::to_string((*first)->port()), {});
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
}

TEST(Listener, SaysWhetherOtherMachinesReachIt) {
  const test::TempFolder folder;
  EXPECT_TRUE((*Listener::Open("--listen", "127.0.0.1:0", {}))->local());
  EXPECT_TRUE((*Listener::Open("--listen", "localhost:0", {}))->local());
  EXPECT_TRUE((*Listener::Open("--listen", "unix:" + folder.At("s"), {}))->local());
  EXPECT_FALSE((*Listener::Open("--listen", "0.0.0.0:0", {}))->local());
}

TEST(Listener, ConnectionsBeyondTheBoundAreClosedUntilOthersEnd) {
  Keeper keeper;
  ListenerOptions options;
  options.max_connections = 3;
  const auto listener = Listener::Open("--listen", "127.0.0.1:0", options);
  ASSERT_OK(listener);
  (*listener)->Start(keeper.Handler());
  std::vector<int> clients;
  for (int k = 0; k < 3; ++k) clients.push_back(Connect((*listener)->port()));
  ASSERT_TRUE(test::WaitUntil([&] { return keeper.count() == 3; }));
  const int refused = Connect((*listener)->port());
  EXPECT_TRUE(IsClosed(refused));
  EXPECT_EQ((*listener)->refused(), 1);
  close(refused);
  keeper.CloseAll();
  clients.push_back(Connect((*listener)->port()));
  EXPECT_TRUE(test::WaitUntil([&] { return keeper.count() == 1; }));
  for (const int fd : clients) close(fd);
}

TEST(Listener, FileDescriptorsAreKeptForOtherUses) {
  rlimit before = {};
  getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few = {96, before.rlim_max};
  Keeper keeper;
  const auto listener = Listener::Open("--listen", "127.0.0.1:0", {});
  ASSERT_OK(listener);
  (*listener)->Start(keeper.Handler());
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  std::vector<int> clients;
  for (int k = 0; k < 20; ++k) clients.push_back(Connect((*listener)->port()));
  EXPECT_TRUE(IsClosed(clients.back()));
  EXPECT_GT((*listener)->refused(), 0);
  for (const int fd : clients) close(fd);
  keeper.CloseAll();
  setrlimit(RLIMIT_NOFILE, &before);
  const int late = Connect((*listener)->port());
  EXPECT_TRUE(test::WaitUntil([&] { return keeper.count() > 0; }));
  close(late);
}

TEST(Listener, TheSelfCheckTellsALiveListenerFromADeadOne) {
  Keeper keeper;
  const test::TempFolder folder;
  for (const std::string& address :
       {std::string("127.0.0.1:0"), std::string("0.0.0.0:0"), "unix:" + folder.At("socket")}) {
    const auto listener = Listener::Open("--listen", address, {});
    ASSERT_OK(listener);
    EXPECT_FALSE((*listener)->SelfCheck(false).ok()) << address;
    (*listener)->Start(keeper.Handler());
    EXPECT_OK((*listener)->SelfCheck(true));
    (*listener)->Stop();
    EXPECT_FALSE((*listener)->SelfCheck(false).ok()) << address;
  }
}

}  // namespace
}  // namespace unlasting::server
