#include "server/rpc/model_service.h"

#include "core/base/status.h"
#include "server/rpc/call.h"
#include "server/rpc/model_messages.h"
#include "server/rpc/wire.h"

namespace unlasting::server {
namespace {

absl::Status Listed(const ModelRegistry& models, const grpc::ByteBuffer& bytes,
                    v1::ListModelsResponse* response) {
  v1::ListModelsRequest request;
  UNLASTING_RETURN_IF_ERROR(ParseRequest(bytes, &request));
  for (const auto& listed : models.List()) {
    *response->add_models() = SummaryMessage(*listed.model, listed.default_version);
  }
  return absl::OkStatus();
}

absl::Status Described(const ModelRegistry& models, const grpc::ByteBuffer& bytes,
                       v1::GetModelResponse* response) {
  v1::GetModelRequest request;
  UNLASTING_RETURN_IF_ERROR(ParseRequest(bytes, &request));
  UNLASTING_ASSIGN_OR_RETURN(const auto model, models.Find(request.model(), request.version()));
  *response->mutable_model() = ModelMessage(models, *model);
  return absl::OkStatus();
}

}  // namespace

grpc::ServerUnaryReactor* ModelServiceImpl::ListModels(grpc::CallbackServerContext* context,
                                                       const grpc::ByteBuffer* request,
                                                       grpc::ByteBuffer* response) {
  Call call(services_, context, "ListModels");
  v1::ListModelsResponse answer;
  absl::Status status = call.Admit(Role::kPredict);
  if (status.ok()) status = Listed(*services_.models, *request, &answer);
  *response = SerializeResponse(answer);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(call.End(status));
  return reactor;
}

grpc::ServerUnaryReactor* ModelServiceImpl::GetModel(grpc::CallbackServerContext* context,
                                                     const grpc::ByteBuffer* request,
                                                     grpc::ByteBuffer* response) {
  Call call(services_, context, "GetModel");
  v1::GetModelResponse answer;
  absl::Status status = call.Admit(Role::kPredict);
  if (status.ok()) status = Described(*services_.models, *request, &answer);
  *response = SerializeResponse(answer);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  reactor->Finish(call.End(status));
  return reactor;
}

}  // namespace unlasting::server
