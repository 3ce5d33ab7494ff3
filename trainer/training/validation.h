// Validation measures, during training, how well the denoiser generates perturbed cells that no
// batch holds; MeasureLatents whether it inverts control cells to standard normal latents.
#pragma once

#include <torch/torch.h>

#include <vector>

#include "absl/status/statusor.h"
#include "core/diffusion/schedule.h"
#include "core/diffusion/solver.h"
#include "core/model/torch/network.h"
#include "trainer/data/training_data.h"

namespace unlasting::trainer {

class Validation {
 public:
  // Draws cells of data.validation_groups() once, with `seed`. `data` must outlive the object.
  // INVALID_ARGUMENT where there are no such groups.
  static absl::StatusOr<Validation> Create(const TrainingData& data,
                                           const diffusion::Schedule& schedule, uint64_t seed);

  // The mean over groups of the unbiased E-distance, in log1p units, between the held-out cells and
  // those that the bridge generates from as many control cells of the same type. The mask is not
  // applied because its network is trained later. Throws c10::Error.
  double Distance(const model::Network& denoiser, int threads) const;

 private:
  struct Group {
    std::vector<int64_t> truth;    // perturbed cells of one condition and cell type
    std::vector<int64_t> control;  // as many control cells of that type
  };
  torch::Tensor Generate(const model::Network& denoiser, const Group& group) const;

  const TrainingData* data_ = nullptr;
  diffusion::BridgePlan plan_;
  std::vector<Group> groups_;
};

// Over all genes of `cells` training control cells, drawn with `seed`. The mean is near 0 and the
// standard deviation near 1 where inversion works; other values are the first sign of trouble.
struct LatentStatistics {
  double mean = 0;
  double deviation = 0;
};
absl::StatusOr<LatentStatistics> MeasureLatents(const TrainingData& data,
                                                const diffusion::Schedule& schedule,
                                                const model::Network& denoiser, uint64_t seed,
                                                int64_t cells);

}  // namespace unlasting::trainer
