// LimitConnections and ForbidPortSharing set up gRPC's transport for the server: how long
// connections live, how much one peer may send, and how much memory the transport may use.
#pragma once

#include "grpcpp/server_builder.h"
#include "server/config/config.pb.h"

namespace unlasting::server {

// Applies ConnectionConfig, and the bounds on messages, metadata and the transport's memory.
void LimitConnections(const ServerConfig& config, grpc::ServerBuilder* builder);

// Two servers must not share a port unnoticed, which SO_REUSEPORT would let them do.
void ForbidPortSharing(grpc::ServerBuilder* builder);

}  // namespace unlasting::server
