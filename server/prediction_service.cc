#include "server/prediction_service.h"

#include <memory>

#include "core/molecule/featurizer.h"
#include "server/call.h"
#include "server/predict_stream.h"
#include "server/upload_stream.h"
#include "server/violations.h"

namespace unlasting::server {
namespace {

absl::Status Featurize(const v1::FeaturizeMoleculeRequest& request,
                       v1::FeaturizeMoleculeResponse* response) {
  const auto featurized = molecule::Featurize(request.smiles());
  if (!featurized.ok()) {
    Violations violations;
    violations.Add("smiles", featurized.status());
    return violations.ToStatus();
  }
  response->set_canonical_smiles(featurized->canonical_smiles);
  response->mutable_features()->Add(featurized->features.begin(), featurized->features.end());
  response->set_featurizer(molecule::kFeaturizerName);
  return absl::OkStatus();
}

}  // namespace

grpc::ServerWriteReactor<v1::PredictResponse>* PredictionServiceImpl::Predict(
    grpc::CallbackServerContext* context, const v1::PredictRequest* request) {
  return PredictStream::Start(services_, context, request);
}

grpc::ServerReadReactor<v1::RegisterControlsRequest>* PredictionServiceImpl::RegisterControls(
    grpc::CallbackServerContext* context, v1::RegisterControlsResponse* response) {
  return UploadStream::Start(services_, context, response);
}

grpc::ServerUnaryReactor* PredictionServiceImpl::FeaturizeMolecule(
    grpc::CallbackServerContext* context, const v1::FeaturizeMoleculeRequest* request,
    v1::FeaturizeMoleculeResponse* response) {
  auto call = std::make_shared<Call>(services_, context, "FeaturizeMolecule");
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  const absl::Status admitted = call->Admit(Role::kPredict);
  if (!admitted.ok()) {
    reactor->Finish(call->End(admitted));
    return reactor;
  }
  services_.prepare_pool->Schedule([call, request, response, reactor] {
    reactor->Finish(call->End(Featurize(*request, response)));
  });
  return reactor;
}

}  // namespace unlasting::server
