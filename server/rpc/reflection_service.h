// ReflectionService is grpc.reflection.v1.ServerReflection, beside the v1alpha that gRPC's own
// library has: newer clients ask for v1 first, and some for v1 alone. Responds from the descriptors
// that are compiled into the program.
#pragma once

#include <string>
#include <vector>

#include "grpc/reflection/v1/reflection.grpc.pb.h"
#include "grpcpp/server_context.h"

namespace unlasting::server {

// Immutable; responds on gRPC's threads, for it only reads what is in memory.
class ReflectionService : public grpc::reflection::v1::ServerReflection::CallbackService {
 public:
  // `services` are the full names of those that the server offers.
  explicit ReflectionService(std::vector<std::string> services) : services_(std::move(services)) {}

  grpc::ServerBidiReactor<grpc::reflection::v1::ServerReflectionRequest,
                          grpc::reflection::v1::ServerReflectionResponse>*
  ServerReflectionInfo(grpc::CallbackServerContext* context) override;

 private:
  const std::vector<std::string> services_;
};

}  // namespace unlasting::server
