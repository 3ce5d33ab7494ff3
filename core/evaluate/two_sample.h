// TellApart measures how well predicted cells can be told from true ones: the area under the curve
// of a classifier of whole cells, which sees what scores of one gene at a time cannot.
#pragma once

#include <cstdint>

#include "core/base/matrix.h"

namespace unlasting::evaluate {

// At most this many cells of each side are compared, drawn at random where there are more, since
// the cost grows with the square of their number, and with many genes with its cube.
inline int64_t MaxCellsTold(int64_t genes) { return genes > 1000 ? 500 : 5000; }

// Areas under the curve: 0.5 where the two cannot be told apart, 1 where they always can. NaN with
// 11 cells or fewer on a side, which leave no 20 neighbours.
struct ToldApart {
  double
      logistic;  // ridge logistic regression in five folds, on 20 components of the values, 10 of
                 // which genes are active, the number of active genes, and the squares of these
  double knn;    // share of predicted cells among the 20 nearest in the 20 components
};

// Cells are log1p values over the same genes. The larger side is cut to the size of the smaller
// one; `seed` chooses its cells and the folds, as numpy's default_rng(seed) does.
ToldApart TellApart(const DenseMatrix& predicted, const DenseMatrix& truth, uint64_t seed);

}  // namespace unlasting::evaluate
