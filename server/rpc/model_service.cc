#include "server/rpc/model_service.h"

#include "server/rpc/call.h"
#include "server/rpc/model_messages.h"

namespace unlasting::server {
grpc::ServerUnaryReactor* ModelServiceImpl::ListModels(grpc::CallbackServerContext* context,
                                                       const v1::ListModelsRequest* request,
                                                       v1::ListModelsResponse* response) {
  Call call(services_, context, "ListModels");
  const absl::Status status = call.Admit(Role::kPredict);
  if (status.ok()) {
    for (const auto& listed : services_.models->List()) {
      *response->add_models() = SummaryMessage(*listed.model, listed.default_version);
    }
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(call.End(status));
  return reactor;
}

grpc::ServerUnaryReactor* ModelServiceImpl::GetModel(grpc::CallbackServerContext* context,
                                                     const v1::GetModelRequest* request,
                                                     v1::GetModelResponse* response) {
  Call call(services_, context, "GetModel");
  absl::Status status = call.Admit(Role::kPredict);
  if (status.ok()) {
    const auto model = services_.models->Find(request->model(), request->version());
    status = model.status();
    if (model.ok()) *response->mutable_model() = ModelMessage(*services_.models, **model);
  }
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(call.End(status));
  return reactor;
}

}  // namespace unlasting::server
