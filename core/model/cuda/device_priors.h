// device_priors.h keeps the priors of rows (core/model/cpu/prior.h) on the device. They are
// computed on the host and uploaded once; the least recently used is freed first.
#pragma once

#include <cstdint>
#include <memory>

#include "absl/types/span.h"
#include "core/base/lru_map.h"
#include "core/model/cpu/prior.h"
#include "core/model/cuda/runtime.h"
#include "core/model/cuda/weights.h"
#include "core/model/spec/config.h"

namespace unlasting::model::cuda {

struct DevicePrior {
  const float* mean = nullptr;  // [N], as the two below; of mask models only the logit
  const float* variance = nullptr;
  const float* logit = nullptr;
  // [hidden] each; null without a condition vector.
  const float* block_condition = nullptr;
  const float* decoder_condition = nullptr;
  int32_t cell_embedding_row = 0;
};

class DevicePriors {
 public:
  // More than a batch has rows: what a batch uses stays until it is through.
  static constexpr size_t kMaxKept = 1024;

  // `weights` must outlive this.
  DevicePriors(bool denoiser, const ModelConfig& config, const NetworkWeights<float>& arrays,
               const DeviceWeights& weights);

  DevicePrior OfType(int32_t cell_type) const;
  DevicePrior OfPerturbed(int32_t cell_type, absl::Span<const int32_t> knockout,
                          const cpu::Molecule<float>* molecule);
  // Of a cell type that training never saw (cpu::Priors::OfNewContext).
  DevicePrior OfNewContext(const cpu::Priors<float>::NewQuery& query);

  cpu::Priors<float>& host() { return host_; }

 private:
  using Host = std::shared_ptr<const cpu::Prior<float>>;

  // What of `host` is not that of its cell type, on the device.
  DevicePrior Uploaded(int32_t cell_type, const Host& host);

  bool denoiser_;
  int64_t genes_;
  const DeviceWeights& weights_;
  cpu::Priors<float> host_;
  LruMap<Host, DeviceArray<float>> kept_;  // mean, variance and conditions, or logit
};

}  // namespace unlasting::model::cuda
