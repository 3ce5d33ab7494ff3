// Structure scores compare how genes vary together within cells, which means, distances and scores
// of one gene at a time cannot see.
#pragma once

#include <vector>

#include "core/base/matrix.h"

namespace unlasting::evaluate {

// The genes over which structure is compared, chosen by the true cells alone.
struct StructureGenes {
  std::vector<int64_t> correlated;  // 50: the 25 most changed ones, then the most variable others
  std::vector<int64_t> silenced;  // up to 50 most changed ones that 10 to 90 % of the cells express
};
// By Welch's t-test against control. Empty where a side has fewer than two cells.
StructureGenes ChooseStructureGenes(const DenseMatrix& truth, const DenseMatrix& control);

// NaN where the cells or genes at hand leave a score undefined.
struct Structure {
  double correlation_error;      // root mean square difference of the genes' correlations
  double correlation_agreement;  // correlation over gene pairs of the two sides' correlations
  double co_silence_error;       // of the shares of cells that silence both genes of a pair
  double active_genes_mean;      // mean number of active genes per cell, predicted over true
  double active_genes_spread;    // its standard deviation, predicted over true
};
Structure CompareStructure(const DenseMatrix& predicted, const DenseMatrix& truth,
                           const StructureGenes& genes);

}  // namespace unlasting::evaluate
