#include "core/bundle/write.h"

#include <algorithm>
#include <filesystem>
#include <utility>
#include <vector>

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/bundle/reference.h"

namespace unlasting::bundle {
namespace {

namespace fs = std::filesystem;

absl::StatusOr<FileEntry> EntryOf(const fs::path& path) {
  UNLASTING_ASSIGN_OR_RETURN(const std::string sha256, Sha256OfFile(path));
  return FileEntry{sha256, static_cast<int64_t>(fs::file_size(path))};
}

std::vector<std::string> FeaturesOf(const Manifest& manifest, const model::ModelConfig& config,
                                    const BundleWeights& weights) {
  std::vector<std::string> features;
  if (config.condition > 0) features.emplace_back(kFeatureConditionVector);
  if (config.expected_response) features.emplace_back(kFeatureExpectedResponse);
  if (weights.denoiser.shapes.count("response_self_effect") > 0) {
    features.emplace_back(kFeatureGrnPropagation);
  }
  if (manifest.meet_means) features.emplace_back(kFeatureMeetMeans);
  if (weights.denoiser.shapes.count("response_met_basis") > 0) {
    features.emplace_back(kFeatureMetMeans);
  }
  if (!manifest.molecule_scaling.names.empty()) {
    features.emplace_back(kFeatureMoleculeDescriptors);
  }
  if (manifest.molecule_featurizer == kEmbeddingsName) {
    features.emplace_back(kFeatureMoleculeEmbeddings);
  }
  if (config.molecule_features > 0 && config.dose_gate == "sigmoid") {
    features.emplace_back(kFeatureSigmoidDoseGate);
  }
  if (manifest.treatment_features > 0) features.emplace_back(kFeatureTreatments);
  if (!manifest.covariates.empty()) features.emplace_back(kFeatureCovariates);
  std::sort(features.begin(), features.end());
  return features;
}

}  // namespace

absl::Status WriteBundle(
    const BundleParts& parts,
    const std::function<absl::Status(const std::filesystem::path& folder)>& write_torchscript,
    const std::string& directory) {
  UNLASTING_ASSIGN_OR_RETURN(const auto config, model::ModelConfig::FromJson(parts.manifest.model));
  UNLASTING_ASSIGN_OR_RETURN(const std::string weights_file, FormatWeights(config, parts.weights));
  StagedPath staged{fs::path(directory)};
  std::error_code error;
  fs::create_directories(staged.path(), error);
  if (error) return absl::UnknownError(absl::StrCat(directory, ": ", error.message()));
  const auto at = [&](const char* name) { return (staged.path() / name).string(); };
  UNLASTING_RETURN_IF_ERROR(WriteFileAtomically(at(kWeightsFile), weights_file));
  UNLASTING_RETURN_IF_ERROR(write_torchscript(staged.path()));
  UNLASTING_RETURN_IF_ERROR(WriteReference(parts.manifest, parts.reference, at("reference.h5ad")));
  UNLASTING_RETURN_IF_ERROR(WriteFileAtomically(at("card.md"), parts.card));
  UNLASTING_RETURN_IF_ERROR(WriteFileAtomically(at("training.jsonl"), parts.training));
  Manifest manifest = parts.manifest;
  manifest.features = FeaturesOf(manifest, config, parts.weights);
  manifest.files.clear();
  for (const auto& [name, table] : {std::pair(kMoleculesFile, &parts.reference.molecules),
                                    std::pair(kTreatmentsFile, &parts.reference.treatments)}) {
    if (table->empty()) continue;
    UNLASTING_RETURN_IF_ERROR(WriteFileAtomically(at(name), FormatMolecules(*table)));
    UNLASTING_ASSIGN_OR_RETURN(manifest.files[name], EntryOf(at(name)));
  }
  std::vector<const char*> files = {kWeightsFile, "reference.h5ad", "card.md", "training.jsonl"};
  files.insert(files.end(), std::begin(kTorchScriptFiles), std::end(kTorchScriptFiles));
  for (const char* name : files) {
    UNLASTING_ASSIGN_OR_RETURN(manifest.files[name], EntryOf(at(name)));
  }
  UNLASTING_RETURN_IF_ERROR(
      WriteFileAtomically(at("manifest.json"), manifest.ToJson().dump(2) + "\n"));
  return staged.Commit();
}

}  // namespace unlasting::bundle
