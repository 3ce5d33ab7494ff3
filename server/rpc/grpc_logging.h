// ForwardGrpcLog sends gRPC's own messages to the server's log, where operators look for them.
#pragma once

namespace unlasting::server {

// From now on messages of gRPC are events of server/base/logging.h. Any thread; may be called
// again.
void ForwardGrpcLog();

}  // namespace unlasting::server
