#include "server/rpc/wire.h"

#include "grpcpp/impl/codegen/proto_utils.h"
#include "grpcpp/support/proto_buffer_writer.h"

namespace unlasting::server {

grpc::ByteBuffer SerializeResponse(const google::protobuf::Message& response) {
  grpc::ByteBuffer bytes;
  bool own_buffer = false;
  // Fails for messages of 2 GiB alone, which no response comes near.
  grpc::GenericSerialize<grpc::ProtoBufferWriter, google::protobuf::Message>(response, &bytes,
                                                                             &own_buffer);
  return bytes;
}

}  // namespace unlasting::server
