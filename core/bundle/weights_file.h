// FormatWeights and ParseWeights keep the weights of a bundle in one file, weights.safetensors. Its
// tensors are those of NetworkWeights (core/model/spec/weights.h) under "denoiser." (the source and
// the target model share one set) and "mask.", and the gene network that both follow as
// "grn.edge_indptr" and "grn.edge_source".
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "core/model/spec/config.h"
#include "core/model/spec/weights.h"

namespace unlasting::bundle {

inline constexpr char kWeightsFile[] = "weights.safetensors";

struct BundleWeights {
  model::NetworkWeights<float> denoiser;
  model::NetworkWeights<float> mask;
};

// The file's bytes. INTERNAL where the two networks follow different edges, or a network lacks a
// part: they were not trained together.
absl::StatusOr<std::string> FormatWeights(const model::ModelConfig& config,
                                          const BundleWeights& weights);

// INVALID_ARGUMENT names the tensor that is damaged, absent, superfluous or does not fit `config`.
absl::StatusOr<BundleWeights> ParseWeights(const model::ModelConfig& config,
                                           absl::string_view bytes);

}  // namespace unlasting::bundle
