#include "core/model/cuda/device_priors.h"

#include <vector>

namespace unlasting::model::cuda {

DevicePriors::DevicePriors(bool denoiser, const ModelConfig& config,
                           const NetworkWeights<float>& arrays, const DeviceWeights& weights)
    : denoiser_(denoiser),
      genes_(config.genes),
      weights_(weights),
      host_(denoiser, config, arrays) {}

DevicePrior DevicePriors::OfType(int32_t cell_type) const {
  const int64_t at = cell_type * genes_;
  DevicePrior prior;
  prior.mean = weights_.prior_mean.data() + at;
  prior.variance = weights_.prior_variance.data() + at;
  if (!denoiser_) prior.logit = weights_.active_logit.data() + at;
  prior.cell_embedding_row = cell_type;
  return prior;
}

DevicePrior DevicePriors::OfPerturbed(int32_t cell_type, absl::Span<const int32_t> knockout,
                                      const cpu::Molecule<float>* molecule) {
  const Host host = host_.OfPerturbed(cell_type, knockout, molecule);
  return host == host_.OfType(cell_type) ? OfType(cell_type) : Uploaded(cell_type, host);
}

DevicePrior DevicePriors::OfNewContext(const cpu::Priors<float>::NewQuery& query) {
  return Uploaded(query.context->nearest, host_.OfNewContext(query));
}

DevicePrior DevicePriors::Uploaded(int32_t cell_type, const Host& host) {
  DevicePrior prior = OfType(cell_type);
  prior.cell_embedding_row = host->cell_embedding_row;
  const DeviceArray<float>* kept = kept_.Find(host);
  if (kept == nullptr) {
    std::vector<float> values(host->logit.begin(), host->logit.end());
    if (denoiser_) {
      values.assign(host->mean.begin(), host->mean.end());
      for (const auto* more : {&host->variance, &host->condition.block, &host->condition.decoder}) {
        values.insert(values.end(), more->begin(), more->end());
      }
    }
    kept = kept_.Insert(host, DeviceArray<float>::From(values));
    if (kept_.size() > kMaxKept) kept_.TakeOldest();
  }
  if (denoiser_) {
    prior.mean = kept->data();
    prior.variance = kept->data() + genes_;
    const auto hidden = static_cast<int64_t>(host->condition.block.size());
    if (hidden > 0) {
      prior.block_condition = kept->data() + 2 * genes_;
      prior.decoder_condition = prior.block_condition + hidden;
    }
  } else {
    prior.logit = kept->data();
  }
  return prior;
}

}  // namespace unlasting::model::cuda
