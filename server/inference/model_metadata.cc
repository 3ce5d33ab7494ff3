#include "server/inference/model_metadata.h"

#include <algorithm>
#include <initializer_list>

#include "core/base/status.h"
#include "server/inference/input_tensors.h"

namespace unlasting::server {
namespace {

constexpr int64_t kAny = -1;

bool Takes(const bundle::Manifest& manifest, const std::string& input) {
  const auto has = [&manifest](const char* kind) {
    return std::find(manifest.perturbation_kinds.begin(), manifest.perturbation_kinds.end(),
                     kind) != manifest.perturbation_kinds.end();
  };
  if (input == "knockout") return has("gene");
  if (input == "smiles" || input == "dose_um") return has("molecule");
  if (input == "treatment") return has("treatment");
  return true;
}

std::vector<int64_t> ShapeOf(const std::string& input, int64_t genes) {
  if (input == "genes") return {genes};
  if (input == "cells") return {kAny, genes};
  if (input == "cell_type") return {1};
  return {kAny};
}

}  // namespace

absl::StatusOr<inference::ModelMetadataResponse> ModelMetadata(
    const ModelRegistry& models, const inference::ModelMetadataRequest& request) {
  UNLASTING_ASSIGN_OR_RETURN(const auto model, models.Find(request.name(), request.version()));
  const bundle::Manifest& manifest = model->bundle()->manifest();
  const auto genes = static_cast<int64_t>(manifest.genes.size());
  inference::ModelMetadataResponse response;
  response.set_name(model->name());
  for (const auto& listed : models.List()) {
    if (listed.model->name() == model->name()) response.add_versions(listed.model->version());
  }
  response.set_platform("unlasting");
  for (const InputKind& kind : InputKinds()) {
    if (!Takes(manifest, kind.name)) continue;
    auto* input = response.add_inputs();
    input->set_name(kind.name);
    input->set_datatype(kind.datatype);
    for (const int64_t dimension : ShapeOf(kind.name, genes)) input->add_shape(dimension);
  }
  auto* output = response.add_outputs();
  output->set_name("profiles");
  output->set_datatype("FP32");
  for (const int64_t dimension : {kAny, kAny, genes}) output->add_shape(dimension);
  return response;
}

}  // namespace unlasting::server
