// TrainedDose holds what the report draws of one dose that training saw.
#pragma once

#include <cstdint>
#include <string>

#include "core/evaluate/column_statistics.h"

namespace unlasting::report {

// The cells of a drug at a dose that training saw, in one cell type.
struct TrainedDose {
  std::string drug;                       // name
  std::string cell_type;                  // name
  double dose_um = 0;                     // in micromolar
  int64_t cells = 0;                      // number of cells
  evaluate::ColumnStatistics statistics;  // of the genes over those cells, log1p
};

}  // namespace unlasting::report
