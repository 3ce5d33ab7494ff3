// Loess fits a local regression (Cleveland 1979) for the gene selection seurat_v3; scanpy takes the
// same from scikit-misc.
#pragma once

#include <vector>

namespace unlasting::cells {

// The fit at every x by a weighted quadratic (tricube weights) over the nearest `span` share of the
// points. Equals the original with surface="direct"; scanpy's default interpolates between the
// corners of a k-d tree, which on a few hundred genes moves the fit by up to 0.03 in log10.
std::vector<double> Loess(const std::vector<double>& x, const std::vector<double>& y, double span);

}  // namespace unlasting::cells
