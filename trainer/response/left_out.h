// LeftOutGroup says how far an expected response is from perturbed cells that it was not estimated
// on: control cells are changed as an answer changes them, and compared with the true ones.
#pragma once

#include <cstdint>
#include <vector>

#include "core/evaluate/pair_sums.h"
#include "trainer/data/training_data.h"
#include "trainer/response/condition_moments.h"

namespace unlasting::trainer {

// How an answer is made of control cells and an expected response.
struct Finish {
  bool meet_means = false;  // active values are scaled to the expected mean (job/finish.h)
  bool spread = false;      // the response of the variance is used
};

// Control cells, and perturbed cells that a response was not estimated on. Immutable.
class LeftOutCells {
 public:
  // At most `max_cells` of `controls` and of `perturbed`, in the columns `genes` alone; which ones
  // is decided by `seed`. Both need two cells or more.
  LeftOutCells(const TrainingData& data, const std::vector<int64_t>& controls,
               const std::vector<int64_t>& perturbed, const std::vector<int64_t>& genes,
               size_t max_cells, uint64_t seed);

  const DenseMatrix& control() const { return control_; }      // [cells, genes], log1p
  const DenseMatrix& perturbed() const { return perturbed_; }  // the same
  // The control cells under `response`, which is of all genes, as an answer is made of them.
  DenseMatrix Answer(const Response& response, const Finish& finish) const;
  // E-distance, unbiased, of cells from the perturbed ones.
  double Distance(const DenseMatrix& cells) const;

 private:
  std::vector<int64_t> genes_;
  DenseMatrix control_, perturbed_;
  std::vector<double> mean_, logit_;  // of control_
  evaluate::PairSums within_;         // of perturbed_
};

class LeftOutGroup {
 public:
  // As LeftOutCells, with at most kMaxCells of either.
  static constexpr size_t kMaxCells = 100;
  LeftOutGroup(const TrainingData& data, const std::vector<int64_t>& controls,
               const std::vector<int64_t>& perturbed, const std::vector<int64_t>& genes,
               uint64_t seed);

  // How far the answer is from the perturbed cells, over how far the controls are from them: the
  // mean log of this ratio by E-distance (unbiased, bounded below so that what is within noise
  // counts as equal) and by EMD. Below 0 where the response is better than no change. `response` is
  // of all genes. Thread-safe.
  double LogError(const Response& response, const Finish& finish) const;

 private:
  LeftOutCells cells_;
  double no_change_ = 0, no_change_emd_ = 0;
};

}  // namespace unlasting::trainer
