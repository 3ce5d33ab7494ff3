// DensityPanel plots how one gene is distributed over kinds of cells. Private to core/report.
#pragma once

#include <string>
#include <vector>

#include "core/report/cell_series.h"

namespace unlasting::report {

// A figure: the share of silent cells of each series as bars on the left, the density of the active
// ones on the right, its area their share. `caption` is HTML that follows the gene's name; `large`
// as Chart::Options. Each series has a cell or more.
std::string DensityPanel(const std::vector<CellSeries>& series, int64_t gene,
                         const std::string& name, const std::string& caption, bool large);

}  // namespace unlasting::report
