// ConditionMoments summarises the training cells of each condition and cell type for the expected
// responses: mean, variance and share of active cells of every gene. Immutable once constructed, so
// any number of threads may read it. Values are log1p; N is the number of measured genes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <valarray>
#include <vector>

#include "trainer/data/training_data.h"

namespace unlasting::trainer {

using GeneValues = std::valarray<double>;  // [N]

// Moments of a group of cells.
struct Moments {
  double cells = 0;
  GeneValues mean, variance, share;  // share: of cells in which the gene is active
  // Fourth central moment over the squared variance; 3, a Gaussian's, where the variance is 0.
  GeneValues kurtosis;
};
// Of the training cells `cells`, which may be empty: then all are 0.
Moments MomentsOf(const TrainingData& data, const std::vector<int64_t>& cells);

// The response of one condition in one cell type: what it adds to the control's mean, to the log of
// its variance, and to the logit of its share of active cells.
struct Response {
  GeneValues mean, log_variance, active_logit;

  Response& operator+=(const Response& other);
  Response& operator-=(const Response& other);
  Response& operator*=(double factor);
};
Response operator-(Response a, const Response& b);
Response ZeroResponse(int64_t genes);
// Zero where `responses` is empty.
Response MeanOf(const std::vector<Response>& responses, int64_t genes);

// The variance and the share of a small group are shrunk towards the control's, and bounded so that
// the log and the logit stay finite.
GeneValues LogVarianceOf(const Moments& moments, const Moments& control);
GeneValues ShareOf(const Moments& moments, const Moments& control);
GeneValues LogitOf(const GeneValues& share);
// Perturbed minus control.
Response ResponseOf(const Moments& perturbed, const Moments& control);
// The sampling variances of what ResponseOf gives, from the cells behind both groups.
Response ResponseNoise(const Moments& perturbed, const Moments& control);

// Cells with and without the gene active that join the control cells of a type, so that the share
// of a gene that is silent in few cells is not taken for 0.
inline constexpr double kControlActiveCells = 1;

class ConditionMoments {
 public:
  using ByType = std::map<int32_t, Moments>;  // by cell type

  // Cells held out for testing or validation are left out.
  explicit ConditionMoments(const TrainingData& data);

  // The same as if training had only the cells that `kept` returns of each group of perturbed ones
  // (a subset of `cells`, ascending; a group of none is left out). Control cells stay.
  using Kept = std::function<std::vector<int64_t>(int32_t condition, int32_t type,
                                                  const std::vector<int64_t>& cells)>;
  ConditionMoments Restricted(const TrainingData& data, const Kept& kept) const;
  // The same as if training had only these control cells, some of each type.
  ConditionMoments WithControls(const TrainingData& data,
                                const std::vector<std::vector<int64_t>>& controls) const;

  int64_t cell_types() const { return static_cast<int64_t>(control_.size()); }
  // Its share includes kControlActiveCells.
  const Moments& control(int32_t type) const { return control_[type]; }
  // Of every condition that is not a control, by its index.
  const std::map<int32_t, ByType>& perturbed() const { return perturbed_; }
  // The cells behind perturbed().at(condition).at(type), ascending.
  const std::vector<int64_t>& group(int32_t condition, int32_t type) const {
    return groups_.at(condition).at(type);
  }
  // The cells that were summarised, controls and perturbed ones.
  const std::vector<int64_t>& cells() const { return cells_; }

 private:
  ConditionMoments() = default;

  std::vector<Moments> control_;
  std::map<int32_t, ByType> perturbed_;
  std::map<int32_t, std::map<int32_t, std::vector<int64_t>>> groups_;
  std::vector<int64_t> cells_;
};

}  // namespace unlasting::trainer
