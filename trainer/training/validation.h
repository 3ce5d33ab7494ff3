// Training cells kept out of the batches, to see how well the denoiser generates cells it was not
// fitted to.
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
  // Draws its cells of data.validation_groups() once, with `seed`. The references must outlive
  // this. INVALID_ARGUMENT where there are no such groups.
  static absl::StatusOr<Validation> Create(const TrainingData& data,
                                           const diffusion::Schedule& schedule, uint64_t seed);

  // Mean over groups of the unbiased E-distance, in log1p units, between held-out cells and those
  // that the bridge makes of as many control cells of the same type. Without the mask: that
  // network is trained later. Throws c10::Error.
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

}  // namespace unlasting::trainer
