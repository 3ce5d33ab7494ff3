// NormaliseLog1p normalises counts as scanpy 1.9 does, for everything that reads cells, and
// ControlsByCellType computes statistics of normalised cells. Sums are made in double. Pure
// functions; any thread.
#pragma once

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

// In place: counts / library * target_sum, then log1p. A cell without counts stays zero.
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
