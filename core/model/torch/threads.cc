#include "core/model/torch/threads.h"

#include <ATen/Parallel.h>
#include <malloc.h>

#include <exception>
#include <mutex>
#include <thread>
#include <vector>

// Present where BLAS is OpenBLAS.
extern "C" void openblas_set_num_threads(int) __attribute__((weak));

namespace unlasting::model {

void PrepareProcess() {
  static std::once_flag once;
  std::call_once(once, [] {
    if (openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
#if defined(__GLIBC__)
    // Step-sized tensors come and go: hand them out from the heap, not as fresh pages each time.
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
  });
}

void RunShards(int shards, const std::function<void(int)>& work) {
  std::exception_ptr failure;
  std::mutex mutex;
  const auto guarded = [&](int shard) {
    at::set_num_threads(1);
    try {
      work(shard);
    } catch (...) {
      const std::lock_guard<std::mutex> lock(mutex);
      if (!failure) failure = std::current_exception();
    }
  };
  std::vector<std::thread> workers;
  for (int shard = 1; shard < shards; ++shard) workers.emplace_back(guarded, shard);
  guarded(0);
  for (auto& worker : workers) worker.join();
  if (failure) std::rethrow_exception(failure);
}

Range ShardOf(int64_t total, int shards, int k) {
  return {total * k / shards, total * (k + 1) / shards};
}

}  // namespace unlasting::model
