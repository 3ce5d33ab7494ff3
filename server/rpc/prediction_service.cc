#include "server/rpc/prediction_service.h"

#include <string>

#include "core/base/status.h"
#include "core/molecule/featurizer.h"
#include "core/predict/query/bundle_featurizer.h"
#include "core/predict/query/query.h"
#include "server/base/violations.h"
#include "server/request/field_path.h"
#include "server/rpc/predict_call.h"
#include "server/rpc/register_controls_call.h"
#include "server/rpc/unary_call.h"
#include "unlasting/v1/prediction_service.grpc.pb.h"

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
    AddAt("model", {{"molecule", ""}, {"model", ""}}, featurizer.status(), "", &violations);
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

PredictionServiceImpl::PredictionServiceImpl(const ServiceContext& services) : services_(services) {
  const std::string service = v1::PredictionService::service_full_name();
  Offer(service, "Predict", [this](grpc::CallbackServerContext* context) {
    return PredictCall::Start(services_, context);
  });
  Offer(service, "RegisterControls", [this](grpc::CallbackServerContext* context) {
    return RegisterControlsCall::Start(services_, context);
  });
  const UnaryMethod featurize =
      MakeUnaryMethod<v1::FeaturizeMoleculeRequest, v1::FeaturizeMoleculeResponse>(
          "FeaturizeMolecule", [this](const auto& request, auto* response) {
            return Featurize(*services_.models, request, response);
          });
  Offer(service, featurize.name, [this, featurize](grpc::CallbackServerContext* context) {
    return UnaryCall::Start(services_, context, featurize);
  });
}

}  // namespace unlasting::server
