// ReflectionService is grpc.reflection.v1.ServerReflection and the v1alpha that older clients ask
// for. It responds from the descriptors that are compiled into the program. gRPC's own library for
// it is not used: linking it offers reflection whether it is wanted or not.
#pragma once

#include <string>
#include <vector>

#include "server/rpc/guest_streams.h"
#include "server/rpc/raw_service.h"

namespace unlasting::server {

// Immutable; responds on gRPC's threads, for it only reads what is in memory.
class ReflectionService : public RawService {
 public:
  // `services` are the full names of those that the server offers; `guests` outlives this.
  ReflectionService(std::vector<std::string> services, GuestStreams* guests);

 private:
  const std::vector<std::string> services_;
};

}  // namespace unlasting::server
