#include "core/bundle/weights_file.h"

#include <map>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "core/base/status.h"
#include "core/bundle/safetensors.h"

namespace unlasting::bundle {
namespace {

using model::NetworkKind;
using model::NetworkWeights;

constexpr char kDenoiser[] = "denoiser.";
constexpr char kMask[] = "mask.";
constexpr char kEdgeIndptr[] = "grn.edge_indptr";
constexpr char kEdgeSource[] = "grn.edge_source";

void AddNetwork(const std::string& prefix, const NetworkWeights<float>& network,
                SafetensorsWriter* writer) {
  for (const auto& [name, shape] : network.shapes) {
    const auto values = network.values.find(name);
    if (values != network.values.end()) {
      writer->Add(prefix + name, shape, values->second.data());
    } else {
      writer->Add(prefix + name, shape, network.indices.at(name).data());
    }
  }
}

absl::Status Check(const model::ModelConfig& config, const BundleWeights& weights) {
  UNLASTING_RETURN_IF_ERROR(
      Annotate(model::CheckWeights(NetworkKind::kDenoiser, config, weights.denoiser), "denoiser"));
  return Annotate(model::CheckWeights(NetworkKind::kMask, config, weights.mask), "mask");
}

absl::StatusOr<std::vector<int64_t>> Indices(const std::map<std::string, TensorView>& tensors,
                                             const std::string& name) {
  const auto found = tensors.find(name);
  if (found == tensors.end() || found->second.type != TensorType::kInt64 ||
      found->second.shape.size() != 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("tensor '", name, "': expected a vector of int64"));
  }
  return found->second.Integers();
}

void TakeTensor(const std::string& name, const TensorView& view, NetworkWeights<float>* network) {
  network->shapes[name] = view.shape;
  if (view.type == TensorType::kFloat32) {
    network->values[name] = view.Floats();
  } else {
    network->indices[name] = view.Integers();
  }
}

}  // namespace

absl::StatusOr<std::string> FormatWeights(const model::ModelConfig& config,
                                          const BundleWeights& weights) {
  const NetworkWeights<float>& denoiser = weights.denoiser;
  if (denoiser.edge_indptr != weights.mask.edge_indptr ||
      denoiser.edge_source != weights.mask.edge_source) {
    return absl::InternalError("weights: the denoiser and the mask model follow different edges");
  }
  const absl::Status status = Check(config, weights);
  if (!status.ok()) return absl::InternalError(absl::StrCat("weights: ", status.message()));
  SafetensorsWriter writer;
  AddNetwork(kDenoiser, denoiser, &writer);
  AddNetwork(kMask, weights.mask, &writer);
  const std::vector<int64_t> sources(denoiser.edge_source.begin(), denoiser.edge_source.end());
  writer.Add(kEdgeIndptr, {static_cast<int64_t>(denoiser.edge_indptr.size())},
             denoiser.edge_indptr.data());
  writer.Add(kEdgeSource, {static_cast<int64_t>(sources.size())}, sources.data());
  return writer.Format();
}

absl::StatusOr<BundleWeights> ParseWeights(const model::ModelConfig& config,
                                           absl::string_view bytes) {
  UNLASTING_ASSIGN_OR_RETURN(const auto tensors, ParseSafetensors(bytes));
  BundleWeights weights;
  for (const auto& [full_name, view] : tensors) {
    absl::string_view name = full_name;
    if (absl::ConsumePrefix(&name, kDenoiser)) {
      TakeTensor(std::string(name), view, &weights.denoiser);
    } else if (absl::ConsumePrefix(&name, kMask)) {
      TakeTensor(std::string(name), view, &weights.mask);
    } else if (full_name != kEdgeIndptr && full_name != kEdgeSource) {
      return absl::InvalidArgumentError(
          absl::StrCat("tensor '", full_name, "': belongs to no part of a bundle"));
    }
  }
  UNLASTING_ASSIGN_OR_RETURN(weights.denoiser.edge_indptr, Indices(tensors, kEdgeIndptr));
  UNLASTING_ASSIGN_OR_RETURN(const auto sources, Indices(tensors, kEdgeSource));
  for (const int64_t source : sources) {
    if (source < 0 || source >= config.nodes) {
      return absl::InvalidArgumentError(absl::StrCat("tensor '", kEdgeSource, "': found the node ",
                                                     source, ", expected 0 or more and less than ",
                                                     config.nodes));
    }
  }
  weights.denoiser.edge_source.assign(sources.begin(), sources.end());
  weights.mask.edge_indptr = weights.denoiser.edge_indptr;
  weights.mask.edge_source = weights.denoiser.edge_source;
  UNLASTING_RETURN_IF_ERROR(Check(config, weights));
  return weights;
}

}  // namespace unlasting::bundle
