#include "server/rpc/guest_streams.h"

#include <string>
#include <vector>

#include "grpcpp/support/slice.h"

namespace unlasting::server {

GuestStreams::Place GuestStreams::Enter() {
  if (++open_ <= max_streams_) return Place(this);
  --open_;
  return nullptr;
}

grpc::Status GuestStreams::Full() {
  return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED,
                      "too many streams of health and reflection are open; try again later");
}

bool ParseGuestMessage(const grpc::ByteBuffer& bytes, size_t max_bytes,
                       google::protobuf::Message* message) {
  std::vector<grpc::Slice> slices;
  if (bytes.Length() > max_bytes || !bytes.Dump(&slices).ok()) return false;
  std::string text;
  for (const grpc::Slice& slice : slices) {
    text.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return message->ParseFromString(text);
}

}  // namespace unlasting::server
