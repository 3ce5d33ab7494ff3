// PredictionServiceImpl is unlasting.v1.PredictionService on gRPC's callback API: each method
// creates the object that carries its call. Reactions never block; work goes to pools and
// schedulers. Requests come as bytes (server/rpc/wire.h).
#pragma once

#include "grpcpp/server_context.h"
#include "server/rpc/service_context.h"
#include "unlasting/v1/prediction_service.grpc.pb.h"

namespace unlasting::server {

using PredictionServiceBase = v1::PredictionService::WithRawCallbackMethod_Predict<
    v1::PredictionService::WithRawCallbackMethod_RegisterControls<
        v1::PredictionService::WithRawCallbackMethod_FeaturizeMolecule<
            v1::PredictionService::Service>>>;

class PredictionServiceImpl : public PredictionServiceBase {
 public:
  explicit PredictionServiceImpl(const ServiceContext& services) : services_(services) {}

  grpc::ServerWriteReactor<grpc::ByteBuffer>* Predict(grpc::CallbackServerContext* context,
                                                      const grpc::ByteBuffer* request) override;
  grpc::ServerReadReactor<grpc::ByteBuffer>* RegisterControls(grpc::CallbackServerContext* context,
                                                              grpc::ByteBuffer* response) override;
  grpc::ServerUnaryReactor* FeaturizeMolecule(grpc::CallbackServerContext* context,
                                              const grpc::ByteBuffer* request,
                                              grpc::ByteBuffer* response) override;

 private:
  const ServiceContext services_;
};

}  // namespace unlasting::server
