// CellSeries is one kind of cells in a plot. Private to core/report.
#pragma once

#include <string>

#include "core/base/matrix.h"

namespace unlasting::report {

struct CellSeries {
  std::string name;                    // "control", "true" or "predicted"
  std::string classes;                 // of the style sheet: "control", "truth" or "predicted"
  const DenseMatrix* cells = nullptr;  // [cells, genes], log1p; outlived by whoever plots
};

}  // namespace unlasting::report
