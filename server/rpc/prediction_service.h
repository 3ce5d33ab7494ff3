// PredictionServiceImpl is unlasting.v1.PredictionService on gRPC's callback API: each method
// creates the object that carries its call. Reactions never block; work goes to pools and
// schedulers.
#pragma once

#include "grpcpp/server_context.h"
#include "server/rpc/service_context.h"
#include "unlasting/v1/prediction_service.grpc.pb.h"

namespace unlasting::server {

class PredictionServiceImpl : public v1::PredictionService::CallbackService {
 public:
  explicit PredictionServiceImpl(const ServiceContext& services) : services_(services) {}

  grpc::ServerWriteReactor<v1::PredictResponse>* Predict(
      grpc::CallbackServerContext* context, const v1::PredictRequest* request) override;
  grpc::ServerReadReactor<v1::RegisterControlsRequest>* RegisterControls(
      grpc::CallbackServerContext* context, v1::RegisterControlsResponse* response) override;
  grpc::ServerUnaryReactor* FeaturizeMolecule(grpc::CallbackServerContext* context,
                                              const v1::FeaturizeMoleculeRequest* request,
                                              v1::FeaturizeMoleculeResponse* response) override;

 private:
  const ServiceContext services_;
};

}  // namespace unlasting::server
