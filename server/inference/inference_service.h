// InferenceServiceImpl is inference.GRPCInferenceService, the Open Inference Protocol in version 2
// with Triton's ModelStreamInfer, beside the API: stock clients of Triton and KServe predict with
// it. Calls need the token that calls of the API need.
#pragma once

#include <functional>

#include "server/rpc/raw_service.h"
#include "server/rpc/service_context.h"

namespace unlasting::server {

class InferenceServiceImpl : public RawService {
 public:
  // `ready` says whether the server takes requests; any thread.
  InferenceServiceImpl(const ServiceContext& services, std::function<bool()> ready);

 private:
  void OfferInfer();
  void OfferQuestions();

  const ServiceContext services_;
  const std::function<bool()> ready_;
};

}  // namespace unlasting::server
