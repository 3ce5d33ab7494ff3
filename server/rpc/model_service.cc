#include "server/rpc/model_service.h"

#include "core/base/status.h"
#include "server/rpc/model_messages.h"
#include "server/rpc/unary_call.h"
#include "unlasting/v1/model_service.grpc.pb.h"

namespace unlasting::server {
namespace {

absl::Status List(const ModelRegistry& models, v1::ListModelsResponse* response) {
  for (const auto& listed : models.List()) {
    *response->add_models() = SummaryMessage(*listed.model, listed.default_version);
  }
  return absl::OkStatus();
}

absl::Status Describe(const ModelRegistry& models, const v1::GetModelRequest& request,
                      v1::GetModelResponse* response) {
  UNLASTING_ASSIGN_OR_RETURN(const auto model, models.Find(request.model(), request.version()));
  *response->mutable_model() = ModelMessage(models, *model);
  return absl::OkStatus();
}

}  // namespace

ModelServiceImpl::ModelServiceImpl(const ServiceContext& services) : services_(services) {
  const auto offer = [this](const UnaryMethod& method) {
    Offer(v1::ModelService::service_full_name(), method.name,
          [this, method](grpc::CallbackServerContext* context) {
            return UnaryCall::Start(services_, context, method);
          });
  };
  offer(MakeUnaryMethod<v1::ListModelsRequest, v1::ListModelsResponse>(
      "ListModels",
      [this](const auto&, auto* response) { return List(*services_.models, response); }));
  offer(MakeUnaryMethod<v1::GetModelRequest, v1::GetModelResponse>(
      "GetModel", [this](const auto& request, auto* response) {
        return Describe(*services_.models, request, response);
      }));
}

}  // namespace unlasting::server
