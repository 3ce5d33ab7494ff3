// Validation measures, during training, how well the denoiser generates perturbed cells that no
// batch holds: those kept apart for early stopping, or those that the split holds out.
// MeasureLatents measures whether it inverts control cells to standard normal latents.
#pragma once

#include <torch/torch.h>

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/diffusion/schedule.h"
#include "core/diffusion/solver.h"
#include "core/model/torch/network.h"
#include "nlohmann/json.hpp"
#include "trainer/data/training_data.h"

namespace unlasting::trainer {

// The perturbed cells that the split holds out, in groups of two or more of one condition and cell
// type, ordered by name. No batch holds them, and nothing is chosen by them.
std::vector<std::vector<int64_t>> HeldOutGroups(const TrainingData& data);

// Means over groups, in log1p units; NaN where no group defines a score.
struct ValidationScores {
  double e_distance = 0;             // unbiased
  double emd = 0;                    // mean over genes
  double correlation_agreement = 0;  // of the genes' correlations (core/evaluate/structure.h)

  // A line of training.jsonl, with keys that begin with `cells`; what is not a number is left out.
  nlohmann::json ToLine(int64_t step, const std::string& cells) const;
};

class Validation {
 public:
  // Bounds the cost of a measurement, which is 20 evaluations of each cell of all groups.
  struct Size {
    int64_t groups = 16;       // at most, evenly among all
    int64_t cells = 512;       // at most, of all groups
    int64_t group_cells = 64;  // at most, of one group
    // Generated cells of a group that share the control cell that the network is shown, as the
    // cells of a batch do; each starts from its own control cell all the same.
    int64_t share_control = 1;
  };

  // Draws cells of `groups` once, with `seed`. `data` must outlive the object. INVALID_ARGUMENT
  // where there are no groups.
  static absl::StatusOr<Validation> Create(const TrainingData& data,
                                           const std::vector<std::vector<int64_t>>& groups,
                                           const Size& size, const diffusion::Schedule& schedule,
                                           uint64_t seed);

  // Compares the groups' cells with those that the bridge generates from as many control cells of
  // the same type. The mask is not applied because its network is trained later. A function of the
  // weights alone, whatever `threads` is. Throws c10::Error.
  ValidationScores Measure(const model::Network& denoiser, int threads) const;

 private:
  struct Group {
    std::vector<int64_t> truth;    // perturbed cells of one condition and cell type
    std::vector<int64_t> control;  // as many control cells of that type
  };
  torch::Tensor Generate(const model::Network& denoiser, const Group& group) const;
  ValidationScores Score(const model::Network& denoiser, const Group& group) const;

  const TrainingData* data_ = nullptr;
  int64_t share_control_ = 1;
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
