#include "core/bundle/bundle.h"

#include <filesystem>

#include "core/base/file.h"
#include "core/base/status.h"
#include "core/bundle/reference.h"
#include "core/bundle/torch/modules.h"
#include "core/bundle/torch/write.h"

namespace unlasting::bundle {
namespace {

namespace fs = std::filesystem;

constexpr const char* kRequiredFiles[] = {"source.pt", "target.pt", "mask.pt", "reference.h5ad"};

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

absl::StatusOr<std::unique_ptr<Modules>> LoadModules(const fs::path& folder,
                                                     const Manifest& manifest,
                                                     const LoadOptions& options) {
  using model::ExportKind;
  using model::Network;
  UNLASTING_ASSIGN_OR_RETURN(const auto config, model::ModelConfig::FromJson(manifest.model));
  const int64_t genes = static_cast<int64_t>(manifest.genes.size());
  const int64_t nodes = genes + static_cast<int64_t>(manifest.perturbed_only.size());
  if (config.genes != genes || config.nodes != nodes ||
      config.cell_types != static_cast<int64_t>(manifest.cell_types.size()) ||
      config.molecule_features != manifest.molecule_features ||
      config.times != manifest.schedule_steps) {
    return WithReason(
        absl::InvalidArgumentError(absl::StrCat((folder / "manifest.json").string(),
                                                ": model: its shape does not fit the genes, cell "
                                                "types, molecule features or schedule")),
        "MALFORMED_BUNDLE");
  }
  const auto attention =
      options.plain_attention ? model::Attention::kPlain : model::Attention::kFused;
  const auto load = [&](const char* file, ExportKind kind) {
    return Network::Load((folder / file).string(), kind, config, attention);
  };
  UNLASTING_ASSIGN_OR_RETURN(auto source, load("source.pt", ExportKind::kSource));
  UNLASTING_ASSIGN_OR_RETURN(auto target, load("target.pt", ExportKind::kTarget));
  UNLASTING_ASSIGN_OR_RETURN(auto mask, load("mask.pt", ExportKind::kMask));
  return std::unique_ptr<Modules>(
      new Modules{config, std::move(source), std::move(target), std::move(mask)});
}

absl::StatusOr<FileEntry> EntryOf(const fs::path& path) {
  UNLASTING_ASSIGN_OR_RETURN(const std::string sha256, Sha256OfFile(path));
  return FileEntry{sha256, static_cast<int64_t>(fs::file_size(path))};
}

}  // namespace

Bundle::Bundle() = default;
Bundle::~Bundle() = default;

absl::StatusOr<std::shared_ptr<const Bundle>> Bundle::Load(const std::string& directory,
                                                           const LoadOptions& options) {
  const fs::path folder = directory;
  UNLASTING_ASSIGN_OR_RETURN(const std::string text, ReadFile(folder / "manifest.json"));
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
  UNLASTING_RETURN_IF_ERROR(VerifyFiles(folder, bundle->manifest_));
  UNLASTING_ASSIGN_OR_RETURN(
      bundle->reference_, ReadReference(bundle->manifest_, (folder / "reference.h5ad").string()));
  if (bundle->manifest_.files.count("molecules.tsv") > 0) {
    UNLASTING_ASSIGN_OR_RETURN(const std::string table, ReadFile(folder / "molecules.tsv"));
    auto molecules = ParseMolecules(table, bundle->manifest_.molecule_features);
    if (!molecules.ok()) return Annotate(molecules.status(), (folder / "molecules.tsv").string());
    bundle->reference_.molecules = *std::move(molecules);
  }
  bundle->trained_genes_ = TrainedGenes(bundle->manifest_, bundle->reference_.network);
  UNLASTING_ASSIGN_OR_RETURN(bundle->modules_, LoadModules(folder, bundle->manifest_, options));
  return std::shared_ptr<const Bundle>(bundle);
}

absl::Status WriteBundle(const BundleParts& parts, const std::string& directory) {
  using model::ExportKind;
  StagedPath staged{fs::path(directory)};
  std::error_code error;
  fs::create_directories(staged.path(), error);
  if (error) return absl::UnknownError(absl::StrCat(directory, ": ", error.message()));
  const auto at = [&](const char* name) { return (staged.path() / name).string(); };
  UNLASTING_RETURN_IF_ERROR(parts.denoiser->Export(at("source.pt"), ExportKind::kSource));
  UNLASTING_RETURN_IF_ERROR(parts.denoiser->Export(at("target.pt"), ExportKind::kTarget));
  UNLASTING_RETURN_IF_ERROR(parts.mask->Export(at("mask.pt"), ExportKind::kMask));
  UNLASTING_RETURN_IF_ERROR(WriteReference(parts.manifest, parts.reference, at("reference.h5ad")));
  UNLASTING_RETURN_IF_ERROR(WriteFileAtomically(at("card.md"), parts.card));
  UNLASTING_RETURN_IF_ERROR(WriteFileAtomically(at("training.jsonl"), parts.training));
  Manifest manifest = parts.manifest;
  manifest.files.clear();
  if (!parts.reference.molecules.empty()) {
    UNLASTING_RETURN_IF_ERROR(
        WriteFileAtomically(at("molecules.tsv"), FormatMolecules(parts.reference.molecules)));
    UNLASTING_ASSIGN_OR_RETURN(manifest.files["molecules.tsv"], EntryOf(at("molecules.tsv")));
  }
  for (const char* name :
       {"source.pt", "target.pt", "mask.pt", "reference.h5ad", "card.md", "training.jsonl"}) {
    UNLASTING_ASSIGN_OR_RETURN(manifest.files[name], EntryOf(at(name)));
  }
  UNLASTING_RETURN_IF_ERROR(
      WriteFileAtomically(at("manifest.json"), manifest.ToJson().dump(2) + "\n"));
  return staged.Commit();
}

}  // namespace unlasting::bundle
