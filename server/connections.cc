#include "server/connections.h"

#include <algorithm>

#include "grpcpp/resource_quota.h"

namespace unlasting::server {
namespace {

// A peer that connects and says nothing is let go.
constexpr int kHandshakeMilliseconds = 20000;

// gRPC takes whole milliseconds, and no more than an int holds.
int Milliseconds(double seconds) { return static_cast<int>(std::min(1000 * seconds, 2e9)); }

}  // namespace

void LimitConnections(const ServerConfig& config, grpc::ServerBuilder* builder) {
  const ConnectionConfig& connections = config.connections();
  const auto set = [builder](const char* argument, int value) {
    builder->AddChannelArgument(argument, value);
  };
  if (connections.max_age_seconds() > 0) {
    set(GRPC_ARG_MAX_CONNECTION_AGE_MS, Milliseconds(connections.max_age_seconds()));
    set(GRPC_ARG_MAX_CONNECTION_AGE_GRACE_MS, Milliseconds(connections.max_age_grace_seconds()));
  }
  if (connections.max_idle_seconds() > 0) {
    set(GRPC_ARG_MAX_CONNECTION_IDLE_MS, Milliseconds(connections.max_idle_seconds()));
  }
  set(GRPC_ARG_KEEPALIVE_TIME_MS, Milliseconds(connections.keepalive_seconds()));
  set(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, Milliseconds(connections.keepalive_timeout_seconds()));
  set(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
      Milliseconds(connections.min_ping_interval_seconds()));
  set(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  set(GRPC_ARG_MAX_CONCURRENT_STREAMS, connections.max_concurrent_calls());
  set(GRPC_ARG_MAX_METADATA_SIZE, config.limits().max_metadata_bytes());
  set(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeMilliseconds);
  // Without a table, one header cannot stand for many: each byte of metadata is sent.
  set(GRPC_ARG_HTTP2_HPACK_TABLE_SIZE_DECODER, 0);
  // The server inflates requests itself, no further than its limit, and looks at sizes itself, so
  // that a message that is too large is counted, logged and explained.
  set(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);
  builder->SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder->SetMaxReceiveMessageSize(-1);
  if (config.memory().transport_bytes() > 0) {
    grpc::ResourceQuota quota("unlasting");
    quota.Resize(static_cast<size_t>(config.memory().transport_bytes()));
    builder->SetResourceQuota(quota);
  }
}

void ForbidPortSharing(grpc::ServerBuilder* builder) {
  builder->AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

}  // namespace unlasting::server
