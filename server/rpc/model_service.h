// ModelServiceImpl is unlasting.v1.ModelService: it tells clients which models are in service and
// what they know.
//
// It responds on gRPC's threads, for it only reads what is in memory.
#pragma once

#include "grpcpp/server_context.h"
#include "server/rpc/service_context.h"
#include "unlasting/v1/model_service.grpc.pb.h"

namespace unlasting::server {

class ModelServiceImpl : public v1::ModelService::CallbackService {
 public:
  explicit ModelServiceImpl(const ServiceContext& services) : services_(services) {}

  grpc::ServerUnaryReactor* ListModels(grpc::CallbackServerContext* context,
                                       const v1::ListModelsRequest* request,
                                       v1::ListModelsResponse* response) override;
  grpc::ServerUnaryReactor* GetModel(grpc::CallbackServerContext* context,
                                     const v1::GetModelRequest* request,
                                     v1::GetModelResponse* response) override;

 private:
  const ServiceContext services_;
};

}  // namespace unlasting::server
