// A Cancellation ends the calls of all clients that share it: those under way at once, and those
// that would follow before they begin.
//
//   Cancellation cancellation;
//   ClientOptions options = {"127.0.0.1:50051"};
//   options.cancellation = &cancellation;
//   ...                       // on another thread, while calls block:
//   cancellation.Cancel();    // they return CANCELLED
#pragma once

#include <condition_variable>
#include <mutex>
#include <set>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "grpcpp/client_context.h"

namespace unlasting::client {

// Any thread. Outlives the clients and the calls that know it.
class Cancellation {
 public:
  // For good.
  void Cancel();
  bool cancelled() const;
  // Waits for `duration`, or until Cancel() is called.
  void WaitFor(absl::Duration duration);

  // A call under way. Its context outlives it.
  class Call {
   public:
    // `cancellation` null: the call runs to its end.
    Call(Cancellation* cancellation, grpc::ClientContext* context);
    ~Call();
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

   private:
    Cancellation* const cancellation_;
    grpc::ClientContext* const context_;
  };

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool cancelled_ = false;
  std::set<grpc::ClientContext*> calls_;  // under way
};

// What calls return once they are cancelled.
absl::Status CallWasCancelled();

}  // namespace unlasting::client
