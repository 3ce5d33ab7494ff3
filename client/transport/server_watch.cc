#include "client/transport/server_watch.h"

#include <utility>

#include "absl/strings/str_cat.h"

namespace unlasting::client {

ServerWatch::ServerWatch(const std::vector<std::string>& addresses,
                         std::function<void(const std::string&)> on_change)
    : on_change_(std::move(on_change)) {
  for (const std::string& address : addresses) {
    servers_.emplace_back();
    servers_.back().address = address;
  }
}

void ServerWatch::Completed(size_t server) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Server& each = servers_[server];
  ++each.completed;
  if (!each.down) return;
  each.down = false;
  on_change_(absl::StrCat("server ", each.address, " is back"));
}

void ServerWatch::Failed(size_t server, const absl::Status& error) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Server& each = servers_[server];
  ++each.failed;
  each.last_error = std::string(error.message());
  if (!absl::IsUnavailable(error) || each.down) return;
  each.down = true;
  on_change_(absl::StrCat(
      each.last_error, "; ",
      servers_.size() > 1 ? "the other servers are asked meanwhile" : "it is tried again"));
}

std::vector<ServerWatch::Server> ServerWatch::servers() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return servers_;
}

}  // namespace unlasting::client
