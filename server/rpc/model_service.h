// ModelServiceImpl is unlasting.v1.ModelService: it tells clients which models are in service and
// what they know.
//
// It responds on gRPC's threads, for it only reads what is in memory.
#pragma once

#include "grpcpp/server_context.h"
#include "server/rpc/service_context.h"
#include "unlasting/v1/model_service.grpc.pb.h"

namespace unlasting::server {

using ModelServiceBase = v1::ModelService::WithRawCallbackMethod_ListModels<
    v1::ModelService::WithRawCallbackMethod_GetModel<v1::ModelService::Service>>;

class ModelServiceImpl : public ModelServiceBase {
 public:
  explicit ModelServiceImpl(const ServiceContext& services) : services_(services) {}

  grpc::ServerUnaryReactor* ListModels(grpc::CallbackServerContext* context,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* GetModel(grpc::CallbackServerContext* context,
                                     const grpc::ByteBuffer* request,
                                     grpc::ByteBuffer* response) override;

 private:
  const ServiceContext services_;
};

}  // namespace unlasting::server
