#include "server/rpc/admin_service.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "core/base/status.h"
#include "server/rpc/model_messages.h"
#include "server/rpc/unary_call.h"

namespace unlasting::server {

absl::Status CheckBelow(const std::string& root, const std::string& directory) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path allowed = root.empty() ? fs::path() : fs::canonical(root, error);
  const fs::path asked = fs::weakly_canonical(directory, error);
  const bool below =
      !allowed.empty() && !error &&
      std::mismatch(allowed.begin(), allowed.end(), asked.begin(), asked.end()).first ==
          allowed.end();
  if (below) return absl::OkStatus();
  // The message does not say which folders exist.
  return WithReason(
      absl::PermissionDeniedError(
          "directory: expected a folder below admin.bundle_root of the server's configuration"),
      "BUNDLE_FORBIDDEN");
}

AdminServiceImpl::AdminServiceImpl(const ServiceContext& services, std::string bundle_root)
    : services_(services), bundle_root_(std::move(bundle_root)) {
  const auto offer = [this](const UnaryMethod& method) {
    Offer(v1::AdminService::service_full_name(), method.name,
          [this, method](grpc::CallbackServerContext* context) {
            return UnaryCall::Start(services_, context, method);
          });
  };
  offer(MakeUnaryMethod<v1::LoadModelRequest, v1::LoadModelResponse>(
      "LoadModel",
      [this](const auto& request, auto* response) { return LoadModel(request, response); },
      Role::kAdmin, &pool_));
  offer(MakeUnaryMethod<v1::UnloadModelRequest, v1::UnloadModelResponse>(
      "UnloadModel",
      [this](const auto& request, auto*) {
        return services_.models->Unload(request.name(), request.version());
      },
      Role::kAdmin, &pool_));
  offer(MakeUnaryMethod<v1::ReloadModelRequest, v1::ReloadModelResponse>(
      "ReloadModel",
      [this](const auto& request, auto* response) { return ReloadModel(request, response); },
      Role::kAdmin, &pool_));
}

absl::Status AdminServiceImpl::LoadModel(const v1::LoadModelRequest& request,
                                         v1::LoadModelResponse* response) {
  UNLASTING_RETURN_IF_ERROR(CheckBelow(bundle_root_, request.directory()));
  UNLASTING_ASSIGN_OR_RETURN(const auto model,
                             services_.models->Load(request.name(), request.directory()));
  *response->mutable_model() = SummaryMessage(*services_.models, *model);
  return absl::OkStatus();
}

absl::Status AdminServiceImpl::ReloadModel(const v1::ReloadModelRequest& request,
                                           v1::ReloadModelResponse* response) {
  UNLASTING_ASSIGN_OR_RETURN(const auto model,
                             services_.models->Reload(request.name(), request.version()));
  *response->mutable_model() = SummaryMessage(*services_.models, *model);
  return absl::OkStatus();
}

}  // namespace unlasting::server
