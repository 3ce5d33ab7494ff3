// WaitUntil lets a test wait for what another thread or program does, and fail rather than hang
// where it never happens.
//
//   ASSERT_TRUE(WaitUntil([&] { return served.Get("/metrics").find(line) != std::string::npos; }));
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <thread>

namespace unlasting::test {

// How long a test waits before it fails: far longer than any machine needs, so that the time itself
// is never what is tested.
inline constexpr std::chrono::seconds kPatience(120);

// Evaluates `predicate` until it is true, and returns true; false where it still is not after
// `patience`.
inline bool WaitUntil(const std::function<bool()>& predicate,
                      std::chrono::steady_clock::duration patience = kPatience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!predicate()) {
    if (std::chrono::steady_clock::now() >= deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// Whether `future` has its value before `patience` is over.
template <typename T>
bool WaitUntilReady(const std::future<T>& future,
                    std::chrono::steady_clock::duration patience = kPatience) {
  return future.wait_for(patience) == std::future_status::ready;
}

}  // namespace unlasting::test
