// Modules holds the networks of a bundle as TorchScript modules, read from source.pt, target.pt and
// mask.pt, for the rooms that see LibTorch. Whoever only predicts needs none of this: the
// evaluators of core/model/cpu and core/model/cuda read weights.safetensors.
#pragma once

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "core/bundle/bundle.h"
#include "core/model/torch/network.h"

namespace unlasting::bundle {

struct Modules {
  model::Network source;
  model::Network target;
  model::Network mask;
};

// `attention` decides whether the node-wise layers are plain tensor operations, as the files hold
// them, or our fused operators. INVALID_ARGUMENT names the file that is no module of ours or does
// not fit the manifest.
absl::StatusOr<Modules> LoadModules(const Bundle& bundle, model::Attention attention);

// Compares every array of the three files with weights.safetensors, to the bit. DATA_LOSS names the
// first file and array that differ; other errors as of LoadModules.
absl::Status VerifyModules(const Bundle& bundle);

}  // namespace unlasting::bundle
