// GuestStreams bounds the streams of services that ask for no token, health and reflection: anybody
// may open them, and each takes memory for as long as it is open.
//
//   GuestStreams::Place place = guests->Enter();
//   if (place == nullptr) Finish(GuestStreams::Full());
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "google/protobuf/message.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/status.h"

namespace unlasting::server {

// Any thread.
class GuestStreams {
 public:
  struct Leave {
    void operator()(GuestStreams* guests) const { --guests->open_; }
  };
  // Held by a stream for as long as it is open.
  using Place = std::unique_ptr<GuestStreams, Leave>;

  explicit GuestStreams(int max_streams) : max_streams_(max_streams) {}

  // Null where as many streams are open as may be.
  Place Enter();
  // RESOURCE_EXHAUSTED, for a stream that found no place.
  static grpc::Status Full();

 private:
  const int max_streams_;
  std::atomic<int> open_{0};
};

// Parses a message of at most `max_bytes`; false where it is longer, compressed or no such message.
bool ParseGuestMessage(const grpc::ByteBuffer& bytes, size_t max_bytes,
                       google::protobuf::Message* message);

}  // namespace unlasting::server
