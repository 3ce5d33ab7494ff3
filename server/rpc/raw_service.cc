#include "server/rpc/raw_service.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "grpcpp/impl/codegen/rpc_service_method.h"
#include "grpcpp/impl/codegen/server_callback_handlers.h"

namespace unlasting::server {

void RawService::Offer(const std::string& service, const std::string& method, Starter start) {
  const int index = static_cast<int>(paths_.size());
  paths_.push_back(absl::StrCat("/", service, "/", method));
  AddMethod(new grpc::internal::RpcServiceMethod(
      paths_.back().c_str(), grpc::internal::RpcMethod::BIDI_STREAMING, /*handler=*/nullptr));
  MarkMethodRawCallback(index,
                        new grpc::internal::CallbackBidiHandler<grpc::ByteBuffer, grpc::ByteBuffer>(
                            std::move(start)));
}

}  // namespace unlasting::server
