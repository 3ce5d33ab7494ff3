// AdminServiceImpl is unlasting.v1.AdminService: operators load and unload models with it while the
// server runs. It is registered only where the operator enables it, and every call needs the role
// admin.
#pragma once

#include <functional>
#include <string>

#include "grpcpp/server_context.h"
#include "server/base/work_pool.h"
#include "server/rpc/service_context.h"
#include "unlasting/v1/admin_service.grpc.pb.h"

namespace unlasting::server {

using AdminServiceBase = v1::AdminService::WithRawCallbackMethod_LoadModel<
    v1::AdminService::WithRawCallbackMethod_UnloadModel<
        v1::AdminService::WithRawCallbackMethod_ReloadModel<v1::AdminService::Service>>>;

class AdminServiceImpl : public AdminServiceBase {
 public:
  // `bundle_root`: see AdminConfig.
  AdminServiceImpl(const ServiceContext& services, std::string bundle_root);

  grpc::ServerUnaryReactor* LoadModel(grpc::CallbackServerContext* context,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* UnloadModel(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* ReloadModel(grpc::CallbackServerContext* context,
                                        const grpc::ByteBuffer* request,
                                        grpc::ByteBuffer* response) override;

 private:
  // Runs `work` on the pool if the caller has the role admin.
  grpc::ServerUnaryReactor* Run(grpc::CallbackServerContext* context, const char* method,
                                std::function<absl::Status()> work);

  const ServiceContext services_;
  const std::string bundle_root_;
  // Loading takes seconds to minutes, so it has a thread of its own.
  WorkPool pool_{1};
};

// PERMISSION_DENIED with reason BUNDLE_FORBIDDEN where `directory`, with links followed, is not
// below `root`.
absl::Status CheckBelow(const std::string& root, const std::string& directory);

}  // namespace unlasting::server
