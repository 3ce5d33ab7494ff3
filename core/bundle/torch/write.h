// This WriteBundle takes trained networks: it fills in the weights and writes the TorchScript
// files.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "core/bundle/write.h"
#include "core/model/torch/network.h"

namespace unlasting::bundle {

// As core/bundle/write.h. The same weights go into weights.safetensors, `parts.weights` being
// filled in from the networks, and into source.pt, target.pt and mask.pt.
absl::Status WriteBundle(BundleParts parts, const model::Network& denoiser,
                         const model::Network& mask, const std::string& directory);

}  // namespace unlasting::bundle
