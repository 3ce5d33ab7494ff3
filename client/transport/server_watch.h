// A ServerWatch keeps account of several servers for the streams that share them: which are down,
// how many calls each completed, how often each failed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"

namespace unlasting::client {

// Any thread.
class ServerWatch {
 public:
  struct Server {
    std::string address;
    int64_t completed = 0;  // calls
    int64_t failed = 0;     // tries
    bool down = false;      // the last try found no server
    std::string last_error;
  };

  // `on_change` is told in a sentence when a server goes down and when it is back, by one thread at
  // a time.
  ServerWatch(const std::vector<std::string>& addresses,
              std::function<void(const std::string&)> on_change);

  void Completed(size_t server);
  void Failed(size_t server, const absl::Status& error);
  std::vector<Server> servers() const;

 private:
  mutable std::mutex mutex_;
  std::vector<Server> servers_;
  const std::function<void(const std::string&)> on_change_;
};

}  // namespace unlasting::client
