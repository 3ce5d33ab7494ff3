// SerializeResponse turns messages of the API into the bytes that gRPC carries; requests are read
// by server/rpc/message_reader.h. Stateless; any thread.
#pragma once

#include "google/protobuf/message.h"
#include "grpcpp/support/byte_buffer.h"

namespace unlasting::server {

grpc::ByteBuffer SerializeResponse(const google::protobuf::Message& response);

}  // namespace unlasting::server
