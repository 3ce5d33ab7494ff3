#include "server/rpc/admin_service.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "core/base/status.h"
#include "server/rpc/call.h"
#include "server/rpc/model_messages.h"
#include "server/rpc/wire.h"

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
                                                      const grpc::ByteBuffer* request,
                                                      grpc::ByteBuffer* response) {
  return Run(context, "LoadModel", [this, request, response] {
    v1::LoadModelRequest asked;
    UNLASTING_RETURN_IF_ERROR(ParseRequest(*request, &asked));
    UNLASTING_RETURN_IF_ERROR(CheckBelow(bundle_root_, asked.directory()));
    UNLASTING_ASSIGN_OR_RETURN(const auto model,
                               services_.models->Load(asked.name(), asked.directory()));
    v1::LoadModelResponse answer;
    *answer.mutable_model() = SummaryMessage(*services_.models, *model);
    *response = SerializeResponse(answer);
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* AdminServiceImpl::UnloadModel(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  return Run(context, "UnloadModel", [this, request, response] {
    v1::UnloadModelRequest asked;
    UNLASTING_RETURN_IF_ERROR(ParseRequest(*request, &asked));
    *response = SerializeResponse(v1::UnloadModelResponse());
    return services_.models->Unload(asked.name(), asked.version());
  });
}

grpc::ServerUnaryReactor* AdminServiceImpl::ReloadModel(grpc::CallbackServerContext* context,
                                                        const grpc::ByteBuffer* request,
                                                        grpc::ByteBuffer* response) {
  return Run(context, "ReloadModel", [this, request, response] {
    v1::ReloadModelRequest asked;
    UNLASTING_RETURN_IF_ERROR(ParseRequest(*request, &asked));
    UNLASTING_ASSIGN_OR_RETURN(const auto model,
                               services_.models->Reload(asked.name(), asked.version()));
    v1::ReloadModelResponse answer;
    *answer.mutable_model() = SummaryMessage(*services_.models, *model);
    *response = SerializeResponse(answer);
    return absl::OkStatus();
  });
}

}  // namespace unlasting::server
