// AdminServiceImpl is unlasting.v1.AdminService: operators load and unload models with it while the
// server runs. It is registered only where the operator enables it, and every call needs the role
// admin.
#pragma once

#include <string>

#include "server/base/work_pool.h"
#include "server/rpc/raw_service.h"
#include "server/rpc/service_context.h"
#include "unlasting/v1/admin_service.grpc.pb.h"

namespace unlasting::server {

class AdminServiceImpl : public RawService {
 public:
  // `bundle_root`: see AdminConfig.
  AdminServiceImpl(const ServiceContext& services, std::string bundle_root);

 private:
  absl::Status LoadModel(const v1::LoadModelRequest& request, v1::LoadModelResponse* response);
  absl::Status ReloadModel(const v1::ReloadModelRequest& request,
                           v1::ReloadModelResponse* response);

  const ServiceContext services_;
  const std::string bundle_root_;
  // Loading takes seconds to minutes, so it has a thread of its own.
  WorkPool pool_{1};
};

// PERMISSION_DENIED with reason BUNDLE_FORBIDDEN where `directory`, with links followed, is not
// below `root`.
absl::Status CheckBelow(const std::string& root, const std::string& directory);

}  // namespace unlasting::server
