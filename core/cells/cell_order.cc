#include "core/cells/cell_order.h"

#include <algorithm>

namespace unlasting::cells {

void SortByBarcode(const Dataset& dataset, std::vector<int64_t>* cells) {
  std::stable_sort(cells->begin(), cells->end(), [&dataset](int64_t a, int64_t b) {
    return dataset.barcodes[a] < dataset.barcodes[b];
  });
}

}  // namespace unlasting::cells
