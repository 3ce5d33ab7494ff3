// Interrupt turns SIGINT and SIGTERM into a flag that long work looks at between its steps, so that
// a program ends in an orderly way: nothing half-written is left under the name that was asked for.
// A server, whose main thread has nothing to do but wait, waits for the signal in WaitForInterrupt.
#pragma once

#include <atomic>

#include "absl/status/status.h"

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

}  // namespace unlasting::cli
