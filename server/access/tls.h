// The server's side of TLS and mutual TLS, from PEM files that are read again when they change.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "grpcpp/security/server_credentials.h"
#include "server/config/config.pb.h"

namespace unlasting::server {

// NOT_FOUND where a file is absent, INVALID_ARGUMENT where it is not PEM or key and certificate do
// not belong together. Later changes that are not sound are logged by gRPC and passed over.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const TlsConfig& config);

}  // namespace unlasting::server
