#include "core/bundle/torch/modules.h"

#include <filesystem>
#include <utility>

#include "absl/strings/str_cat.h"
#include "core/base/status.h"

namespace unlasting::bundle {
namespace {

namespace fs = std::filesystem;

using model::NetworkWeights;

absl::Status Differs(const std::string& path, const std::string& name) {
  return WithReason(
      absl::DataLossError(absl::StrCat(path, ": '", name, "' is not the array in ", kWeightsFile,
                                       "; train the bundle again or replace it")),
      "DAMAGED_BUNDLE");
}

template <typename Arrays>
absl::Status CompareArrays(const std::string& path, const Arrays& found, const Arrays& expected) {
  for (const auto& [name, values] : expected) {
    const auto other = found.find(name);
    if (other == found.end() || other->second != values) return Differs(path, name);
  }
  for (const auto& [name, values] : found) {
    if (expected.count(name) == 0) return Differs(path, name);
  }
  return absl::OkStatus();
}

absl::Status Compare(const std::string& path, const model::Network& network,
                     const NetworkWeights<float>& expected) {
  const NetworkWeights<float> found = network.ToWeights<float>();
  UNLASTING_RETURN_IF_ERROR(CompareArrays(path, found.shapes, expected.shapes));
  UNLASTING_RETURN_IF_ERROR(CompareArrays(path, found.values, expected.values));
  UNLASTING_RETURN_IF_ERROR(CompareArrays(path, found.indices, expected.indices));
  if (found.edge_indptr != expected.edge_indptr) return Differs(path, "edge_indptr");
  if (found.edge_source != expected.edge_source) return Differs(path, "edge_source");
  return absl::OkStatus();
}

std::string PathOf(const Bundle& bundle, const char* file) {
  return (fs::path(bundle.directory()) / file).string();
}

}  // namespace

absl::StatusOr<Modules> LoadModules(const Bundle& bundle, model::Attention attention) {
  using model::ExportKind;
  const auto load = [&](const char* file, ExportKind kind) {
    return model::Network::Load(PathOf(bundle, file), kind, bundle.config(), attention);
  };
  UNLASTING_ASSIGN_OR_RETURN(auto source, load("source.pt", ExportKind::kSource));
  UNLASTING_ASSIGN_OR_RETURN(auto target, load("target.pt", ExportKind::kTarget));
  UNLASTING_ASSIGN_OR_RETURN(auto mask, load("mask.pt", ExportKind::kMask));
  return Modules{std::move(source), std::move(target), std::move(mask)};
}

absl::Status VerifyModules(const Bundle& bundle) {
  UNLASTING_ASSIGN_OR_RETURN(const BundleWeights weights, bundle.ReadWeights());
  UNLASTING_ASSIGN_OR_RETURN(const Modules modules, LoadModules(bundle, model::Attention::kPlain));
  UNLASTING_RETURN_IF_ERROR(Compare(PathOf(bundle, "source.pt"), modules.source, weights.denoiser));
  UNLASTING_RETURN_IF_ERROR(Compare(PathOf(bundle, "target.pt"), modules.target, weights.denoiser));
  return Compare(PathOf(bundle, "mask.pt"), modules.mask, weights.mask);
}

}  // namespace unlasting::bundle
