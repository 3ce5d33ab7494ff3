#include "core/model/cuda/device_priors.h"

#include <vector>

namespace unlasting::model::cuda {

DeviceAnchors::DeviceAnchors(bool denoiser, const ModelConfig& config,
                             const cpu::Arrays<float>& arrays, const NetworkWeights& weights)
    : denoiser_(denoiser),
      genes_(config.genes),
      weights_(weights),
      host_(denoiser, config, arrays) {}

DeviceAnchor DeviceAnchors::OfType(int32_t cell_type) const {
  const int64_t at = cell_type * genes_;
  DeviceAnchor anchor;
  anchor.mean = weights_.anchor_mean.data() + at;
  anchor.variance = weights_.anchor_variance.data() + at;
  if (!denoiser_) anchor.logit = weights_.active_logit.data() + at;
  anchor.state = cell_type;
  return anchor;
}

DeviceAnchor DeviceAnchors::OfPerturbed(int32_t cell_type, absl::Span<const int32_t> knockout,
                                        const cpu::Molecule<float>* molecule) {
  DeviceAnchor anchor = OfType(cell_type);
  const Host host = host_.OfPerturbed(cell_type, knockout, molecule);
  if (host == host_.OfType(cell_type)) return anchor;
  anchor.state = host->state;
  const DeviceArray<float>* kept = kept_.Find(host);
  if (kept == nullptr) {
    std::vector<float> values(host->logit.begin(), host->logit.end());
    if (denoiser_) {
      values.assign(host->mean.begin(), host->mean.end());
      values.insert(values.end(), host->variance.begin(), host->variance.end());
    }
    kept = kept_.Insert(host, DeviceArray<float>::From(values));
    if (kept_.size() > kMost) kept_.TakeOldest();
  }
  if (denoiser_) {
    anchor.mean = kept->data();
    anchor.variance = kept->data() + genes_;
  } else {
    anchor.logit = kept->data();
  }
  return anchor;
}

}  // namespace unlasting::model::cuda
