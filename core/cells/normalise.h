// NormaliseLog1p normalises counts as scanpy 1.9 does, for everything that reads cells, and
// ControlsByCellType computes statistics of normalised cells. Sums are made in double. Pure
// functions; any thread.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/matrix.h"
#include "core/cells/dataset.h"
#include "core/cells/variable_genes.h"

namespace unlasting::cells {

// Sum of each row.
std::vector<double> RowSums(const CsrMatrix& counts);

// Median of the positive sums among `cells` (all when empty): scanpy's default target sum.
double MedianLibrarySize(const std::vector<double>& sums, const std::vector<int64_t>& cells);

// Brings the counts of one cell to log1p values, count / library * target_sum, then log1p, by
// scanpy 1.9's float32 arithmetic, step by step. Rounding decides which values of cells of
// different sizes tie, and with it what a rank test says: equal to scanpy's here, adjusted p values
// agree to 1e-12 where exact arithmetic is 5e-3 away.
class CountScale {
 public:
  // A cell without counts, `library` 0, stays zero.
  CountScale(double library, double target_sum)
      : factor_(library > 0 ? std::min(1.0f / (static_cast<float>(library) /
                                               static_cast<float>(target_sum)),
                                       kMaxFactor)
                            : 0.0f) {}
  float Log1p(float count) const { return std::log1p(count * factor_); }

 private:
  // Keeps any count finite, whatever library size a caller gives.
  static constexpr float kMaxFactor = 1e30f;

  float factor_;
};

// In place, by CountScale.
void NormaliseLog1p(const std::vector<double>& library_sizes, double target_sum, CsrMatrix* counts);

// Per cell type, mean and standard deviation (n - 1) of the control cells among `cells`;
// [cell types, genes]. A type without control cells takes the statistics of all control cells.
struct ControlStatistics {
  DenseMatrix mean;
  DenseMatrix deviation;
  std::vector<int64_t> cells_per_type;
};
ControlStatistics ControlsByCellType(const Dataset& dataset, const std::vector<int64_t>& cells);

// Mean and standard deviation (n - 1) per gene over the rows given.
void MeanAndDeviation(const CsrMatrix& values, const std::vector<int64_t>& rows,
                      std::vector<double>* mean, std::vector<double>* deviation);

}  // namespace unlasting::cells
