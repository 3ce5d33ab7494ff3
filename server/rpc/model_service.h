// ModelServiceImpl is unlasting.v1.ModelService: which models there are, and what one of them is.
#pragma once

#include "server/rpc/raw_service.h"
#include "server/rpc/service_context.h"

namespace unlasting::server {

class ModelServiceImpl : public RawService {
 public:
  explicit ModelServiceImpl(const ServiceContext& services);

 private:
  const ServiceContext services_;
};

}  // namespace unlasting::server
