// PredictionServiceImpl is unlasting.v1.PredictionService on gRPC's callback API: each method
// creates the object that carries its call. Reactions never block; work goes to pools and
// schedulers.
#pragma once

#include "server/rpc/raw_service.h"
#include "server/rpc/service_context.h"

namespace unlasting::server {

class PredictionServiceImpl : public RawService {
 public:
  explicit PredictionServiceImpl(const ServiceContext& services);

 private:
  const ServiceContext services_;
};

}  // namespace unlasting::server
