#include "core/bundle/bundle.h"

#include <filesystem>

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/bundle/carry_over.h"
#include "core/bundle/reference.h"
#include "core/bundle/signature.h"

namespace unlasting::bundle {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRequiredFiles[] = {kWeightsFile, "source.pt", "target.pt", "mask.pt",
                                          "reference.h5ad"};

absl::Status Damaged(const fs::path& path, const std::string& why) {
  return WithReason(absl::DataLossError(absl::StrCat(path.string(), ": ", why)), "DAMAGED_BUNDLE");
}

absl::Status VerifyFiles(const fs::path& folder, const Manifest& manifest) {
  for (const char* required : kRequiredFiles) {
    if (manifest.files.count(required) == 0) {
      return WithReason(absl::InvalidArgumentError(absl::StrCat((folder / "manifest.json").string(),
                                                                ": files: lacks ", required)),
                        "MALFORMED_BUNDLE");
    }
  }
  for (const auto& [name, entry] : manifest.files) {
    // A name with a separator could point outside of the bundle.
    if (name.find('/') != std::string::npos || name == "..") {
      return Damaged(folder / "manifest.json", absl::StrCat("files: '", name, "' is not a name"));
    }
    const fs::path path = folder / name;
    std::error_code error;
    const auto size = fs::file_size(path, error);
    if (error) return absl::NotFoundError(absl::StrCat(path.string(), ": ", error.message()));
    if (static_cast<int64_t>(size) != entry.size) {
      return Damaged(path, absl::StrCat("found ", size, " bytes, expected ", entry.size));
    }
    UNLASTING_ASSIGN_OR_RETURN(const std::string sha256, Sha256OfFile(path));
    if (sha256 != entry.sha256) {
      return Damaged(path, absl::StrCat("SHA-256 ", sha256, ", expected ", entry.sha256));
    }
  }
  return absl::OkStatus();
}

// A table of vectors; empty where the bundle has none of this name.
absl::Status ReadTable(const fs::path& folder, const char* name, const Manifest& manifest,
                       int features, MoleculeTable* table) {
  if (manifest.files.count(name) == 0) return absl::OkStatus();
  UNLASTING_ASSIGN_OR_RETURN(const std::string text, ReadRegularFile(folder / name));
  auto parsed = ParseMolecules(text, features);
  if (!parsed.ok()) return Annotate(parsed.status(), (folder / name).string());
  *table = *std::move(parsed);
  return absl::OkStatus();
}

absl::StatusOr<model::ModelConfig> ConfigOf(const fs::path& folder, const Manifest& manifest) {
  UNLASTING_ASSIGN_OR_RETURN(const auto config, model::ModelConfig::FromJson(manifest.model));
  const auto genes = static_cast<int64_t>(manifest.genes.size());
  const int64_t nodes = genes + static_cast<int64_t>(manifest.perturbed_only.size());
  if (config.genes != genes || config.nodes != nodes ||
      config.cell_types != static_cast<int64_t>(manifest.cell_types.size()) ||
      config.molecule_features != manifest.Stimuli().size() ||
      config.times != manifest.schedule_steps) {
    return WithReason(
        absl::InvalidArgumentError(absl::StrCat((folder / "manifest.json").string(),
                                                ": model: its shape does not fit the genes, cell "
                                                "types, features of molecules and treatments, or "
                                                "schedule")),
        "MALFORMED_BUNDLE");
  }
  return config;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Bundle>> Bundle::Load(const std::string& directory,
                                                           const std::string& name,
                                                           const std::string& keys) {
  const fs::path folder = directory;
  UNLASTING_ASSIGN_OR_RETURN(const std::string text, ReadRegularFile(folder / "manifest.json"));
  if (!keys.empty()) UNLASTING_RETURN_IF_ERROR(CheckSignature(directory, text, keys));
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return WithReason(absl::InvalidArgumentError(absl::StrCat((folder / "manifest.json").string(),
                                                              ": found no JSON object")),
                      "MALFORMED_BUNDLE");
  }
  std::shared_ptr<Bundle> bundle(new Bundle());
  auto manifest = Manifest::FromJson(json);
  if (!manifest.ok()) return Annotate(manifest.status(), directory);
  bundle->directory_ = directory;
  bundle->hash_ = Sha256(text);
  bundle->manifest_ = *std::move(manifest);
  if (!name.empty()) bundle->manifest_.name = name;
  UNLASTING_RETURN_IF_ERROR(VerifyFiles(folder, bundle->manifest_));
  UNLASTING_ASSIGN_OR_RETURN(bundle->config_, ConfigOf(folder, bundle->manifest_));
  UNLASTING_ASSIGN_OR_RETURN(
      bundle->reference_, ReadReference(bundle->manifest_, (folder / "reference.h5ad").string()));
  UNLASTING_RETURN_IF_ERROR(ReadTable(folder, kMoleculesFile, bundle->manifest_,
                                      bundle->manifest_.molecule_features,
                                      &bundle->reference_.molecules));
  UNLASTING_RETURN_IF_ERROR(ReadTable(folder, kTreatmentsFile, bundle->manifest_,
                                      bundle->manifest_.treatment_features,
                                      &bundle->reference_.treatments));
  for (const auto& name : bundle->manifest_.treatments) {
    if (!bundle->manifest_.treatment_vectors || bundle->reference_.treatments.count(name) > 0) {
      continue;
    }
    return Damaged(folder / kTreatmentsFile, absl::StrCat("has no vector of '", name, "'"));
  }
  auto carry_over = ReadCarryOver(bundle->manifest_.response);
  if (!carry_over.ok()) {
    return WithReason(Annotate(carry_over.status(), (folder / "manifest.json").string()),
                      "MALFORMED_BUNDLE");
  }
  bundle->carry_over_ = *std::move(carry_over);
  bundle->trained_genes_ = TrainedGenes(bundle->manifest_, bundle->reference_.network);
  bundle->trained_contexts_ = TrainedContexts(bundle->manifest_, bundle->trained_genes_);
  // What is read here is thrown away: a model that cannot be served must not load.
  UNLASTING_RETURN_IF_ERROR(bundle->ReadWeights().status());
  return std::shared_ptr<const Bundle>(bundle);
}

absl::StatusOr<BundleWeights> Bundle::ReadWeights() const {
  const fs::path path = fs::path(directory_) / kWeightsFile;
  UNLASTING_ASSIGN_OR_RETURN(const std::string bytes, ReadRegularFile(path));
  // The file may have been replaced since it was verified.
  if (Sha256(bytes) != manifest_.files.at(kWeightsFile).sha256) {
    return Damaged(path, "it has changed since the bundle was loaded");
  }
  auto weights = ParseWeights(config_, bytes);
  if (!weights.ok()) {
    return WithReason(Annotate(weights.status(), path.string()), "MALFORMED_BUNDLE");
  }
  return weights;
}

}  // namespace unlasting::bundle
