#include "core/cli/interrupt.h"

#include <csignal>

namespace unlasting::cli {
namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler must not wait for a lock");

void HandleSignal(int signal) {
  interrupted = true;
  std::signal(signal, SIG_DFL);
}

}  // namespace

void HandleInterrupts() {
  std::signal(SIGINT, HandleSignal);
  std::signal(SIGTERM, HandleSignal);
}

bool Interrupted() { return interrupted; }

std::atomic<bool>& InterruptFlag() { return interrupted; }

}  // namespace unlasting::cli
