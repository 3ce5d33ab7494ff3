#include "server/inference/inference_service.h"

#include <string>
#include <utility>

#include "core/base/status.h"
#include "core/base/version.h"
#include "inference/grpc_service.grpc.pb.h"
#include "server/inference/infer_call.h"
#include "server/inference/infer_stream_call.h"
#include "server/inference/model_metadata.h"
#include "server/rpc/unary_call.h"

namespace unlasting::server {

InferenceServiceImpl::InferenceServiceImpl(const ServiceContext& services,
                                           std::function<bool()> ready)
    : services_(services), ready_(std::move(ready)) {
  OfferInfer();
  OfferQuestions();
}

void InferenceServiceImpl::OfferInfer() {
  const std::string service = inference::GRPCInferenceService::service_full_name();
  Offer(service, "ModelInfer", [this](grpc::CallbackServerContext* context) {
    return InferCall::Start(services_, context);
  });
  Offer(service, "ModelStreamInfer", [this](grpc::CallbackServerContext* context) {
    return InferStreamCall::Start(services_, context, &ready_);
  });
}

void InferenceServiceImpl::OfferQuestions() {
  const auto offer = [this](const UnaryMethod& method) {
    Offer(inference::GRPCInferenceService::service_full_name(), method.name,
          [this, method](grpc::CallbackServerContext* context) {
            return UnaryCall::Start(services_, context, method);
          });
  };
  offer(MakeUnaryMethod<inference::ServerLiveRequest, inference::ServerLiveResponse>(
      "ServerLive", [](const auto&, auto* response) {
        response->set_live(true);
        return absl::OkStatus();
      }));
  offer(MakeUnaryMethod<inference::ServerReadyRequest, inference::ServerReadyResponse>(
      "ServerReady", [this](const auto&, auto* response) {
        response->set_ready(ready_());
        return absl::OkStatus();
      }));
  offer(MakeUnaryMethod<inference::ModelReadyRequest, inference::ModelReadyResponse>(
      "ModelReady", [this](const auto& request, auto* response) {
        // A model that is not there is not ready, as Triton says it.
        response->set_ready(ready_() &&
                            services_.models->Find(request.name(), request.version()).ok());
        return absl::OkStatus();
      }));
  offer(MakeUnaryMethod<inference::ServerMetadataRequest, inference::ServerMetadataResponse>(
      "ServerMetadata", [](const auto&, auto* response) {
        response->set_name("unlasting-server");
        response->set_version(kVersion);
        return absl::OkStatus();
      }));
  offer(MakeUnaryMethod<inference::ModelMetadataRequest, inference::ModelMetadataResponse>(
      "ModelMetadata", [this](const auto& request, auto* response) {
        UNLASTING_ASSIGN_OR_RETURN(*response, ModelMetadata(*services_.models, request));
        return absl::OkStatus();
      }));
}

}  // namespace unlasting::server
