// A RawService offers the methods of one gRPC service as streams of bytes, whatever their kind, so
// that the server sees a call when its headers arrive and reads its messages itself. gRPC would
// otherwise read and parse the request of a unary call before anybody has asked for a token.
//
//   class Greeter : public RawService {
//    public:
//     Greeter() {
//       Offer("example.Greeter", "Greet", [](grpc::CallbackServerContext* context) { ... });
//     }
//   };
#pragma once

#include <functional>
#include <list>
#include <string>

#include "grpcpp/impl/codegen/service_type.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "grpcpp/support/server_callback.h"

namespace unlasting::server {

// On the wire a unary call is a stream with one message either way.
using RawReactor = grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>;

class RawService : public grpc::Service {
 protected:
  // Starts a call; runs on one of gRPC's threads and must not block. The reactor owns itself.
  using Starter = std::function<RawReactor*(grpc::CallbackServerContext*)>;

  // `service` is a full name, such as "unlasting.v1.ModelService".
  void Offer(const std::string& service, const std::string& method, Starter start);

 private:
  std::list<std::string> paths_;  // gRPC keeps pointers to them
};

}  // namespace unlasting::server
