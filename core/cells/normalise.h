// Normalisation and gene selection, as scanpy 1.9 computes them.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/matrix.h"
#include "core/cells/dataset.h"

namespace unlasting::cells {

// Sum of each row.
std::vector<double> RowSums(const CsrMatrix& counts);

// Median of the positive sums among `cells` (all when empty): scanpy's default target sum.
double MedianLibrarySize(const std::vector<double>& sums, const std::vector<int64_t>& cells);

// In place: counts / library * target_sum, then log1p. A cell without counts stays zero.
void NormaliseLog1p(const std::vector<double>& library_sizes, double target_sum, CsrMatrix* counts);

// scanpy's highly_variable_genes(flavor="seurat") on log1p values.
struct GeneDispersion {
  std::vector<double> mean;        // log1p of the mean of expm1(values)
  std::vector<double> normalised;  // dispersion in units of its mean bin's spread; NaN: constant
};
GeneDispersion SeuratDispersion(const CsrMatrix& log1p_values);

// The `count` genes of largest normalised dispersion, ties with the last included as in scanpy, in
// column order; 0 or more than there are keeps all.
std::vector<int64_t> HighlyVariableGenes(const GeneDispersion& dispersion, int64_t count);

// Per cell type, mean and standard deviation (n - 1) of the control cells among `cells`;
// [cell types, genes]. A type without control cells takes those of all control cells.
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
