// ParseRequest and SerializeResponse turn messages of the API from and into the bytes that gRPC
// carries. Services take requests as bytes, because gRPC itself ends a call whose request does not
// parse with UNIMPLEMENTED and no word, and an upload as if it had been complete.
//
// Stateless; any thread.
#pragma once

#include "absl/status/status.h"
#include "google/protobuf/message.h"
#include "grpcpp/support/byte_buffer.h"

namespace unlasting::server {

// INVALID_ARGUMENT with reason INVALID_UTF8 or MALFORMED_REQUEST (server/request/wire_fault.h).
absl::Status ParseRequest(const grpc::ByteBuffer& bytes, google::protobuf::Message* request);

grpc::ByteBuffer SerializeResponse(const google::protobuf::Message& response);

}  // namespace unlasting::server
