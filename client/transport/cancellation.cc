#include "client/transport/cancellation.h"

namespace unlasting::client {

void Cancellation::Cancel() {
  const std::lock_guard<std::mutex> lock(mutex_);
  cancelled_ = true;
  for (grpc::ClientContext* call : calls_) call->TryCancel();
  changed_.notify_all();
}

bool Cancellation::cancelled() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return cancelled_;
}

void Cancellation::WaitFor(absl::Duration duration) {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait_for(lock, absl::ToChronoNanoseconds(duration), [this] { return cancelled_; });
}

Cancellation::Call::Call(Cancellation* cancellation, grpc::ClientContext* context)
    : cancellation_(cancellation), context_(context) {
  if (cancellation_ == nullptr) return;
  const std::lock_guard<std::mutex> lock(cancellation_->mutex_);
  cancellation_->calls_.insert(context_);
  // gRPC remembers it for a call that has not begun.
  if (cancellation_->cancelled_) context_->TryCancel();
}

Cancellation::Call::~Call() {
  if (cancellation_ == nullptr) return;
  const std::lock_guard<std::mutex> lock(cancellation_->mutex_);
  cancellation_->calls_.erase(context_);
}

absl::Status CallWasCancelled() { return absl::CancelledError("interrupted"); }

}  // namespace unlasting::client
