// Interrupt turns SIGINT and SIGTERM into a flag that long work looks at between its steps, so that
// a program ends in order: nothing half-written is left under the name that was asked for.
#pragma once

#include <atomic>

namespace unlasting::cli {

// Installs the handlers; call it once, before threads are started. A second signal ends the program
// at once: what was being written is a hidden temporary file, never the target.
void HandleInterrupts();

// True once a signal came. Safe on any thread.
bool Interrupted();

// The flag behind Interrupted(), for work that takes one and for tests that set it.
std::atomic<bool>& InterruptFlag();

}  // namespace unlasting::cli
