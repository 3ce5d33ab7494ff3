// HighlyVariableGenes and LargestVariance select genes as scanpy 1.9 does, for preprocessing, from
// sums that one pass over the cells gathers. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "core/base/matrix.h"

namespace unlasting::cells {

// Per gene, over `cells` cells.
struct GeneMoments {
  int64_t cells = 0;
  std::vector<double> sum;
  std::vector<double> squares;

  explicit GeneMoments(int64_t genes = 0) : sum(genes, 0.0), squares(genes, 0.0) {}
};

// flavor="seurat".
struct GeneDispersion {
  std::vector<double> mean;        // log1p of the mean of expm1(values)
  std::vector<double> normalised;  // dispersion in units of its mean bin's spread; NaN: constant
};
// `moments` of normalised counts before the logarithm.
GeneDispersion SeuratDispersion(const GeneMoments& moments);
GeneDispersion SeuratDispersion(const CsrMatrix& log1p_values);

// The `count` genes of largest normalised dispersion, ties with the last included as in scanpy, in
// column order; 0 or more than there are keeps all.
std::vector<int64_t> HighlyVariableGenes(const GeneDispersion& dispersion, int64_t count);

// flavor="seurat_v3", on raw counts: log10 variance is fitted on log10 mean by loess (span 0.3,
// degree 2), counts are clipped at mean + sqrt(cells) * fitted deviation, and genes are ranked by
// the variance of their standardised clipped counts.
struct SeuratV3Model {
  std::vector<double> mean;       // of the counts
  std::vector<double> deviation;  // fitted; 1 for genes that do not vary
  std::vector<double> clip;       // largest count that is kept as it is
};
SeuratV3Model FitSeuratV3(const GeneMoments& counts);
// `clipped`: moments of min(count, clip). The variance of every gene's standardised counts.
std::vector<double> SeuratV3Variance(const SeuratV3Model& model, const GeneMoments& clipped);
// The `count` genes of largest variance in column order; the first of equals.
std::vector<int64_t> LargestVariance(const std::vector<double>& variance, int64_t count);

}  // namespace unlasting::cells
