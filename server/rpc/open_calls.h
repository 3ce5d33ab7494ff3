// OpenCalls knows the calls that a server has open: how many there are, so that it can drain, and
// which of them wait for a message of their caller, so that a silent caller holds nothing for long.
//
//   OpenCalls calls;
//   OpenCall open(&calls, clock->Now());   // a member of the object that carries the call
//   open.BeginRead(clock->Now(), [this] { OnSilence(); });
//   ... open.EndRead();                    // true where the message came first
#pragma once

#include <cstdint>
#include <functional>
#include <list>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "server/base/mutex.h"

namespace unlasting::server {

// Any thread.
class OpenCalls {
 public:
  // Calls the function of every read that began before `oldest`, each at most once. The functions
  // run on this thread, without the lock.
  void EndReadsSince(absl::Time oldest);
  // The same for every read that is idle, so that calls which nothing is under way for do not hold
  // up a server that drains.
  void EndIdleReads();
  // Blocks until no call is open or `timeout` has passed; returns whether none is open.
  bool WaitUntilNone(absl::Duration timeout);
  int64_t count() const;

 private:
  friend class OpenCall;
  struct Read {
    absl::Time began;
    std::function<void()> on_silence;
    bool idle = false;
  };
  using Reads = std::list<Read>;

  template <typename Ends>
  void EndReads(const Ends& ends);

  mutable Mutex mutex_;
  CondVar changed_;
  int64_t calls_ ABSL_GUARDED_BY(mutex_) = 0;
  Reads reads_ ABSL_GUARDED_BY(mutex_);
};

// One open call, from its headers until gRPC is done with it. Any thread, one read at a time.
class OpenCall {
 public:
  // `calls` outlives this.
  explicit OpenCall(OpenCalls* calls);
  ~OpenCall();
  OpenCall(const OpenCall&) = delete;
  OpenCall& operator=(const OpenCall&) = delete;

  // `on_silence` is called where the read lasts too long. It keeps alive what it uses. `idle`: the
  // caller has nothing under way, and need not send anything.
  void BeginRead(absl::Time now, std::function<void()> on_silence, bool idle = false);
  // Returns false where on_silence was called, or is about to be: the call then ends there.
  bool EndRead();

 private:
  OpenCalls* const calls_;
  bool reading_ = false;  // guarded by the lock of calls_
  OpenCalls::Reads::iterator read_;
};

}  // namespace unlasting::server
