#include "core/base/parallel.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace unlasting {

void ParallelFor(int64_t count, int threads, const std::function<void(int64_t)>& task) {
  std::atomic<int64_t> next{0};
  const auto work = [&] {
    for (int64_t k = next++; k < count; k = next++) task(k);
  };
  std::vector<std::thread> helpers;
  const int64_t extra = std::min<int64_t>(threads, count) - 1;
  for (int64_t k = 0; k < extra; ++k) helpers.emplace_back(work);
  work();
  for (std::thread& helper : helpers) helper.join();
}

}  // namespace unlasting
