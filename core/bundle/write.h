// WriteBundle puts a bundle together on disk. The TorchScript files come from core/bundle/torch,
// which hands in what writes them; nothing here knows LibTorch.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "core/bundle/bundle.h"
#include "core/bundle/weights_file.h"

namespace unlasting::bundle {

struct BundleParts {
  Manifest manifest;  // `files` and `features` are filled in
  Reference reference;
  BundleWeights weights;
  std::string card;      // Markdown
  std::string training;  // JSON lines
};

inline constexpr const char* kTorchScriptFiles[] = {"source.pt", "target.pt", "mask.pt"};

// Writes beside `directory` and renames, so that a reader sees the old bundle or the new one, never
// a mixture. `write_torchscript` puts kTorchScriptFiles into the folder that it is given.
absl::Status WriteBundle(
    const BundleParts& parts,
    const std::function<absl::Status(const std::filesystem::path& folder)>& write_torchscript,
    const std::string& directory);

}  // namespace unlasting::bundle
