// ParallelFor runs independent tasks on a few threads.
#pragma once

#include <cstdint>
#include <functional>

namespace unlasting {

// Calls task(0) .. task(count - 1), each once, on up to `threads` threads, the caller's among
// them; returns when all have ended. Tasks must not throw and must write to places of their own:
// then no result depends on the thread count.
void ParallelFor(int64_t count, int threads, const std::function<void(int64_t)>& task);

}  // namespace unlasting
