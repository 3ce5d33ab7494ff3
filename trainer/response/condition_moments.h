// What the training cells of each condition and cell type say of their genes, and the responses
// that follow from them.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <vector>

#include "trainer/data/training_data.h"

namespace unlasting::trainer {

// Of a group of cells; [N] float64, log1p.
struct Moments {
  double cells = 0;
  torch::Tensor mean, variance, share;
};

// Of one condition in one cell type, [N] float64: what is added to the control's mean, to the log
// of its variance, and to the logit of its share of active cells.
struct Response {
  torch::Tensor mean, log_variance, active_logit;
};
Response operator-(const Response& a, const Response& b);
// Zeros where there are none.
Response MeanOf(const std::vector<Response>& responses, int64_t genes);

// Spread and share of few cells are drawn towards the control's, the log and the logit kept finite.
torch::Tensor LogVarianceOf(const Moments& moments, const Moments& control);
torch::Tensor ShareOf(const Moments& moments, const Moments& control);
torch::Tensor LogitOf(const torch::Tensor& share);
// Perturbed less control.
Response ResponseOf(const Moments& perturbed, const Moments& control);

// Cells held out for testing or validation take no part.
class ConditionMoments {
 public:
  using ByType = std::map<int32_t, Moments>;

  explicit ConditionMoments(const TrainingData& data);

  int64_t cell_types() const { return static_cast<int64_t>(control_.size()); }
  const Moments& control(int32_t type) const { return control_[type]; }
  // By condition, of those that are no control.
  const std::map<int32_t, ByType>& perturbed() const { return perturbed_; }
  // All cells above, controls and perturbed ones.
  const std::vector<int64_t>& cells() const { return cells_; }

 private:
  std::vector<Moments> control_;
  std::map<int32_t, ByType> perturbed_;
  std::vector<int64_t> cells_;
};

}  // namespace unlasting::trainer
