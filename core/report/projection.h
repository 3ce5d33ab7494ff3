// projection.h plots where kinds of cells lie among one another. Private to core/report.
#pragma once

#include <string>
#include <vector>

#include "core/evaluate/scorer.h"
#include "core/report/cell_series.h"

namespace unlasting::report {

// A figure: the first two principal components of the first `fitted` series, as many cells of each
// as their smallest number and at most `max_fitted`, with all series projected onto them. At most
// 500 cells of each are drawn. `what` is of the caption, e.g. "principal components of control and
// true cells"; `large` as Chart::Options.
std::string CellsFigure(const std::vector<CellSeries>& series, size_t fitted, int64_t max_fitted,
                        const std::string& what, bool large);

// The control and true cells, with the predicted ones projected onto their components.
std::string EmbeddingFigure(const evaluate::Group& group);

}  // namespace unlasting::report
