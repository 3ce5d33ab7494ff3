#include "server/rpc/admin_service.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "core/base/status.h"
#include "server/rpc/call.h"
#include "server/rpc/model_messages.h"

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
    : services_(services), bundle_root_(std::move(bundle_root)) {}

grpc::ServerUnaryReactor* AdminServiceImpl::Run(grpc::CallbackServerContext* context,
                                                const char* method,
                                                std::function<absl::Status()> work) {
  auto call = std::make_shared<Call>(services_, context, method);
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const absl::Status admitted = call->Admit(Role::kAdmin);
  if (!admitted.ok()) {
    reactor->Finish(call->End(admitted));
    return reactor;
  }
  pool_.Schedule([call, reactor, work = std::move(work)] { reactor->Finish(call->End(work())); });
  return reactor;
}

grpc::ServerUnaryReactor* AdminServiceImpl::LoadModel(grpc::CallbackServerContext* context,
                                                      const v1::LoadModelRequest* request,
                                                      v1::LoadModelResponse* response) {
  return Run(context, "LoadModel", [this, request, response] {
    UNLASTING_RETURN_IF_ERROR(CheckBelow(bundle_root_, request->directory()));
    UNLASTING_ASSIGN_OR_RETURN(const auto model,
                               services_.models->Load(request->name(), request->directory()));
    *response->mutable_model() = SummaryMessage(*services_.models, *model);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* AdminServiceImpl::UnloadModel(grpc::CallbackServerContext* context,
                                                        const v1::UnloadModelRequest* request,
                                                        v1::UnloadModelResponse* response) {
  return Run(context, "UnloadModel", [this, request] {
    return services_.models->Unload(request->name(), request->version());
  });
}

grpc::ServerUnaryReactor* AdminServiceImpl::ReloadModel(grpc::CallbackServerContext* context,
                                                        const v1::ReloadModelRequest* request,
                                                        v1::ReloadModelResponse* response) {
  return Run(context, "ReloadModel", [this, request, response] {
    UNLASTING_ASSIGN_OR_RETURN(const auto model,
                               services_.models->Reload(request->name(), request->version()));
    *response->mutable_model() = SummaryMessage(*services_.models, *model);
    return absl::OkStatus();
  });
}

}  // namespace unlasting::server
