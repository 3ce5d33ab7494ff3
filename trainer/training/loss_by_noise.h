// LossByNoise sums the denoiser's loss, and what the skip alone would lose, by how strong the noise
// was, so that training.jsonl shows where the network has learned something and where nothing.
// A plain value; one thread at a time. Included only by files that use LibTorch.
#pragma once

#include <torch/torch.h>

#include <array>

#include "absl/types/span.h"
#include "nlohmann/json.hpp"

namespace unlasting::trainer {

class LossByNoise {
 public:
  // Levels lie between these ratios of the noise to the genes' spread.
  static constexpr std::array<double, 3> kBounds = {0.3, 1.0, 3.0};
  static constexpr size_t kLevels = kBounds.size() + 1;

  // `losses` [R, 2]: the network's and the skip's own; `log_noise` [R]: log of the ratio.
  void Add(const torch::Tensor& losses, const torch::Tensor& log_noise);
  void Add(const LossByNoise& other);
  // What a sum over ranks takes: per level the two losses and the number of rows.
  absl::Span<double> sums() { return absl::MakeSpan(sums_); }

  // Share of the skip's loss that the network takes away, over all levels: 0 where it has learned
  // nothing, 1 where it knows each cell.
  double Explained() const;
  // `explained`, and by level `loss_by_noise` and `explained_by_noise`, null without rows.
  nlohmann::json ToJson() const;

 private:
  std::array<double, 3 * kLevels> sums_ = {};
};

}  // namespace unlasting::trainer
