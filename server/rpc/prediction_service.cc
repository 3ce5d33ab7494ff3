#include "server/rpc/prediction_service.h"

#include <memory>

#include "core/base/status.h"
#include "core/molecule/featurizer.h"
#include "core/predict/query/bundle_featurizer.h"
#include "core/predict/query/query.h"
#include "server/base/violations.h"
#include "server/rpc/call.h"
#include "server/rpc/predict_call.h"
#include "server/rpc/register_controls_call.h"

namespace unlasting::server {
namespace {

absl::StatusOr<molecule::Featurizer> FeaturizerFor(const ModelRegistry& models,
                                                   const v1::FeaturizeMoleculeRequest& request) {
  const auto model = models.Find(request.model(), request.model_version());
  auto featurizer = model.ok() ? predict::FeaturizerOf(*(*model)->bundle())
                               : absl::StatusOr<molecule::Featurizer>(model.status());
  // Clients older than the field name no model and expect the fingerprint.
  if (!featurizer.ok() && request.model().empty() && request.model_version().empty()) {
    return molecule::Featurizer::Fingerprint();
  }
  if (model.ok() && !featurizer.ok()) {
    Violations violations;
    violations.Add("model", featurizer.status());
    return violations.ToStatus();
  }
  return featurizer;
}

absl::Status Featurize(const ModelRegistry& models, const v1::FeaturizeMoleculeRequest& request,
                       v1::FeaturizeMoleculeResponse* response) {
  UNLASTING_ASSIGN_OR_RETURN(const auto featurizer, FeaturizerFor(models, request));
  const auto featurized = featurizer.Featurize(request.smiles());
  if (!featurized.ok()) {
    Violations violations;
    violations.Add("smiles", featurized.status());
    return violations.ToStatus();
  }
  response->set_canonical_smiles(featurized->canonical_smiles);
  response->mutable_features()->Add(featurized->features.begin(), featurized->features.end());
  response->set_featurizer(featurizer.name());
  response->mutable_notes()->Add(featurized->notes.begin(), featurized->notes.end());
  return absl::OkStatus();
}

}  // namespace

grpc::ServerWriteReactor<v1::PredictResponse>* PredictionServiceImpl::Predict(
    grpc::CallbackServerContext* context, const v1::PredictRequest* request) {
  return PredictCall::Start(services_, context, request);
}

grpc::ServerReadReactor<v1::RegisterControlsRequest>* PredictionServiceImpl::RegisterControls(
    grpc::CallbackServerContext* context, v1::RegisterControlsResponse* response) {
  return RegisterControlsCall::Start(services_, context, response);
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
  services_.prepare_pool->Schedule([this, call, request, response, reactor] {
    reactor->Finish(call->End(Featurize(*services_.models, *request, response)));
  });
  return reactor;
}

}  // namespace unlasting::server
