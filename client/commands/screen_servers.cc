#include "client/commands/screen_servers.h"

#include <ostream>

#include "absl/strings/str_split.h"
#include "core/base/status.h"

namespace unlasting::client {

absl::StatusOr<std::vector<std::unique_ptr<Client>>> CreateClients(
    const ClientOptions& connection) {
  std::vector<std::unique_ptr<Client>> clients;
  for (const std::string& address :
       std::vector<std::string>(absl::StrSplit(connection.address, ',', absl::SkipEmpty()))) {
    ClientOptions options = connection;
    options.address = address;
    UNLASTING_ASSIGN_OR_RETURN(auto client, Client::Create(options));
    clients.push_back(std::move(client));
  }
  if (clients.empty()) {
    return absl::InvalidArgumentError("--server: found none, expected HOST:PORT[,HOST:PORT...]");
  }
  return clients;
}

absl::StatusOr<Client*> FirstConnected(const std::vector<std::unique_ptr<Client>>& clients,
                                       const ClientOptions& connection) {
  absl::Status status;
  for (const auto& client : clients) {
    ClientOptions options = connection;
    options.address = client->address();
    const auto connected = Client::Connect(options);
    if (connected.ok()) return client.get();
    status = connected.status();
  }
  return status;
}

void PrintServers(const ServerWatch& watch, std::ostream& out) {
  for (const ServerWatch::Server& server : watch.servers()) {
    if (server.failed == 0) continue;
    out << "note: server " << server.address << ": " << server.completed << " requests completed, "
        << server.failed << " tries failed" << (server.down ? ", down at the end" : "")
        << "; the last error: " << server.last_error << "\n";
  }
}

nlohmann::json ServersJson(const ServerWatch& watch) {
  nlohmann::json servers = nlohmann::json::array();
  for (const ServerWatch::Server& server : watch.servers()) {
    servers.push_back({{"address", server.address},
                       {"completed_requests", server.completed},
                       {"failed_tries", server.failed},
                       {"down", server.down}});
  }
  return servers;
}

}  // namespace unlasting::client
