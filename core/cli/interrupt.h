// Interrupt turns SIGINT and SIGTERM into a flag that long work looks at between its steps, so that
// a program exits in an orderly way: nothing half-written is left under the name that was asked
// for. A server, whose main thread has nothing to do but wait, waits for the signal in
// WaitForInterrupt; a client, whose threads wait for a server, has OnInterrupt call the server off.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <thread>

#include "absl/status/statusor.h"

namespace unlasting::cli {

enum class SecondSignal {
  // It ends the program at once: what was being written is a hidden temporary file, never the
  // target.
  kEndsProgram,
  // It changes nothing: the program is already ending, within a time that it bounds itself.
  kIsIgnored,
};

// Installs the handlers; call it once, before threads are started. INTERNAL where the system
// refuses.
absl::Status HandleInterrupts(SecondSignal second = SecondSignal::kEndsProgram);

// True once a signal came. Safe on any thread.
bool Interrupted();

// Returns once a signal came. Needs HandleInterrupts.
void WaitForInterrupt();

// The flag behind Interrupted(), for work that takes one and for tests that set it.
std::atomic<bool>& InterruptFlag();

// Calls a function once, on a thread of its own, when the first signal comes, until destroyed.
class OnInterrupt {
 public:
  // Needs HandleInterrupts. INTERNAL where the system has no descriptors left.
  static absl::StatusOr<std::unique_ptr<OnInterrupt>> Start(std::function<void()> function);
  // Returns once the function, if it was called, has returned.
  ~OnInterrupt();
  OnInterrupt(const OnInterrupt&) = delete;
  OnInterrupt& operator=(const OnInterrupt&) = delete;

 private:
  OnInterrupt(int stop, std::function<void()> function);

  const int stop_;  // an eventfd
  std::thread thread_;
};

}  // namespace unlasting::cli
