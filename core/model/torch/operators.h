// This header declares what the files of the operators share.
#pragma once

#include <ATen/Parallel.h>

#include <cstdint>

namespace unlasting::model {

// Calls work(first cell, last cell) on LibTorch's threads: each makes its own scratch.
template <typename Work>
void ForCells(int64_t cells, const Work& work) {
  at::parallel_for(0, cells, 1, work);
}

// Gradients are summed over the cells in their order, on one thread, so that a run repeats.
// Training splits batches among threads before it comes here.
template <typename Work>
void ForCellsInOrder(int64_t cells, const Work& work) {
  work(0, cells);
}

}  // namespace unlasting::model
