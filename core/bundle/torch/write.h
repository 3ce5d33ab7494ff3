// Writes a bundle; for the rooms that see LibTorch.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "core/bundle/bundle.h"
#include "core/model/torch/network.h"

namespace unlasting::bundle {

struct BundleParts {
  Manifest manifest;  // `files` is filled in
  Reference reference;
  const model::Network* denoiser = nullptr;
  const model::Network* mask = nullptr;
  std::string card;      // Markdown
  std::string training;  // JSON lines
};

// Written beside `directory` and renamed, so that a reader sees the old bundle or the new one.
absl::Status WriteBundle(const BundleParts& parts, const std::string& directory);

}  // namespace unlasting::bundle
