// SortByBarcode puts cells into an order that does not depend on their file, for draws and scores
// that must not either. Pure function; any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "core/cells/dataset.h"

namespace unlasting::cells {

// Sorts cells by barcode; cells that share one stay in the order given.
void SortByBarcode(const Dataset& dataset, std::vector<int64_t>* cells);

}  // namespace unlasting::cells
