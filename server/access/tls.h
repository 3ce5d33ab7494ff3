// MakeServerCredentials sets up TLS and mutual TLS for the server, from PEM files that are read
// again when they change.
#pragma once

#include <memory>

#include "absl/status/statusor.h"
#include "grpcpp/security/server_credentials.h"
#include "server/config/config.pb.h"

namespace unlasting::server {

// Errors: NOT_FOUND where a file is absent, INVALID_ARGUMENT where a file is not PEM or the key
// does not belong to the certificate. Later changes that are not valid are logged by gRPC and
// ignored.
absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const TlsConfig& config);

}  // namespace unlasting::server
