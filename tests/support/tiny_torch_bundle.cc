#include "tests/support/tiny_torch_bundle.h"

#include "core/base/status.h"
#include "core/bundle/torch/write.h"

namespace unlasting::test {

absl::Status WriteTinyTorchBundle(const std::string& directory, const TinyBundleOptions& options) {
  using model::Network;
  using model::NetworkKind;
  UNLASTING_ASSIGN_OR_RETURN(const bundle::BundleParts parts, TinyBundleParts(options));
  UNLASTING_ASSIGN_OR_RETURN(const auto config, model::ModelConfig::FromJson(parts.manifest.model));
  UNLASTING_ASSIGN_OR_RETURN(
      const Network denoiser,
      Network::FromWeights(NetworkKind::kDenoiser, config, parts.weights.denoiser,
                           model::Attention::kFused));
  UNLASTING_ASSIGN_OR_RETURN(const Network mask,
                             Network::FromWeights(NetworkKind::kMask, config, parts.weights.mask,
                                                  model::Attention::kFused));
  return bundle::WriteBundle(parts, denoiser, mask, directory);
}

}  // namespace unlasting::test
