#include "core/cli/interrupt.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

namespace unlasting::cli {
namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler must not wait for a lock");

// A pipe rather than sigwait: libraries start threads before main, which do not block our signals.
int signal_pipe[2] = {-1, -1};

void OnSignal(int) {
  const int saved = errno;
  interrupted = true;
  const char byte = 0;
  // Full only when a signal is already waiting to be read.
  (void)!write(signal_pipe[1], &byte, 1);
  errno = saved;
}

}  // namespace

absl::Status HandleInterrupts(SecondSignal second) {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  action.sa_flags = SA_RESTART;
  if (second == SecondSignal::kEndsProgram) action.sa_flags |= SA_RESETHAND;
  const bool installed = pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK) == 0 &&
                         sigaction(SIGINT, &action, nullptr) == 0 &&
                         sigaction(SIGTERM, &action, nullptr) == 0;
  return installed ? absl::OkStatus() : absl::InternalError("signals cannot be handled");
}

bool Interrupted() { return interrupted; }

void WaitForInterrupt() {
  // ThreadSanitizer lets a handler run while a thread is in poll, but not while it is in read.
  pollfd signal = {signal_pipe[0], POLLIN, 0};
  while (poll(&signal, 1, -1) < 0 && errno == EINTR) {
  }
}

std::atomic<bool>& InterruptFlag() { return interrupted; }

absl::StatusOr<std::unique_ptr<OnInterrupt>> OnInterrupt::Start(std::function<void()> function) {
  const int stop = eventfd(0, EFD_CLOEXEC);
  if (stop < 0) return absl::InternalError("signals cannot be waited for");
  return std::unique_ptr<OnInterrupt>(new OnInterrupt(stop, std::move(function)));
}

OnInterrupt::OnInterrupt(int stop, std::function<void()> function)
    : stop_(stop), thread_([stop, function = std::move(function)] {
        pollfd events[] = {{signal_pipe[0], POLLIN, 0}, {stop, POLLIN, 0}};
        while (poll(events, 2, -1) < 0 && errno == EINTR) {
        }
        if ((events[0].revents & POLLIN) != 0) function();
      }) {}

OnInterrupt::~OnInterrupt() {
  const uint64_t one = 1;
  (void)!write(stop_, &one, sizeof(one));
  thread_.join();
  close(stop_);
}

}  // namespace unlasting::cli
