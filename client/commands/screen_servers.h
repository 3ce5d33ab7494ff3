// screen_servers.h opens the servers of a screen and says how each of them did.
#pragma once

#include <iosfwd>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/transport/client.h"
#include "client/transport/server_watch.h"
#include "nlohmann/json.hpp"

namespace unlasting::client {

// A client for each address of connection.address, HOST:PORT[,HOST:PORT...]. INVALID_ARGUMENT where
// there is none, or one that cannot be read; nothing is sent yet.
absl::StatusOr<std::vector<std::unique_ptr<Client>>> CreateClients(const ClientOptions& connection);

// The first of the clients whose server is there; without one, why the last is not.
absl::StatusOr<Client*> FirstConnected(const std::vector<std::unique_ptr<Client>>& clients,
                                       const ClientOptions& connection);

// A note for each server that failed.
void PrintServers(const ServerWatch& watch, std::ostream& out);
nlohmann::json ServersJson(const ServerWatch& watch);

}  // namespace unlasting::client
