// RunShards is how this software uses the CPU: worker threads over cells, every tensor operation on
// one thread.
//
// Rows of a batch are independent, so each worker takes its share of them through the whole network
// and nothing is synchronised in between. A parallel region per operation (LibTorch's default)
// costs more than most operations here, and its waiting threads spin.
#pragma once

#include <cstdint>
#include <functional>

namespace unlasting::model {

// Once per process, before the first batch: single-threaded BLAS, memory handed out from the heap.
void PrepareProcess();

// Calls work(0) .. work(shards - 1), one of them on the calling thread, and waits for all. Inside,
// tensor operations run on one thread. The first exception is rethrown.
void RunShards(int shards, const std::function<void(int)>& work);

// Shard k of `total` rows cut into `shards` nearly equal parts: [begin, end).
struct Range {
  int64_t begin = 0;
  int64_t end = 0;
};
Range ShardOf(int64_t total, int shards, int k);

}  // namespace unlasting::model
