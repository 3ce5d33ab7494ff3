// A SelfOwnedCall is a call of a raw service that keeps itself alive until gRPC is done with it. It
// lets its caller in before anything of a request is read, and ends the call of a caller that sends
// nothing for too long.
//
//   class GreetCall : public SelfOwnedCall<GreetCall> {
//    public:
//     GreetCall(const ServiceContext& services, grpc::CallbackServerContext* context)
//         : SelfOwnedCall(services, context, "Greet") {}
//     void OnReadDone(bool ok) override { if (EndRead()) ... }
//
//    private:
//     void Begin() override { BeginRead(&request_); }
//     void FinishCall(const absl::Status& status) override { Finish(call_.End(status)); }
//   };
//   Offer(service, "Greet", [this](auto* context) { return GreetCall::Start(services_, context);
//   });
#pragma once

#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/base/mutex.h"
#include "server/rpc/call.h"
#include "server/rpc/message_reader.h"
#include "server/rpc/open_calls.h"
#include "server/rpc/raw_service.h"
#include "server/rpc/service_context.h"

namespace unlasting::server {

// States: created -> admitted (Begin) or refused (FinishCall) -> done. One read or bounded write is
// under way at a time. gRPC's threads, and that of OpenCalls.
template <typename Derived>
class SelfOwnedCall : public RawReactor, public std::enable_shared_from_this<Derived> {
 public:
  // Makes a Derived of `arguments` and starts it.
  template <typename... Arguments>
  static Derived* Start(Arguments&&... arguments) {
    const auto call = std::make_shared<Derived>(std::forward<Arguments>(arguments)...);
    SelfOwnedCall* const own = call.get();
    {
      MutexLock lock(&own->self_mutex_);
      own->self_ = call;
    }
    const absl::Status admitted = own->call_.Admit(own->role_);
    if (admitted.ok()) {
      own->Begin();
    } else {
      own->FinishCall(admitted);
    }
    return call.get();
  }

  void OnDone() override {
    std::shared_ptr<Derived> self;
    MutexLock lock(&self_mutex_);
    self = std::move(self_);
  }

 protected:
  // `services` is copied; `context` outlives the call.
  SelfOwnedCall(const ServiceContext& services, grpc::CallbackServerContext* context,
                const char* method, Role role = Role::kPredict)
      : services_(services),
        context_(context),
        role_(role),
        call_(services_, context, method),
        open_(services.open_calls) {}

  // Does the first thing for a caller that was let in, such as BeginRead. Called once.
  virtual void Begin() = 0;
  // Ends the call; nothing follows.
  virtual void FinishCall(const absl::Status& status) = 0;
  // What becomes of a call whose caller has sent nothing for too long.
  virtual void OnSilence() { FinishCall(SilentCaller(services_.read_patience)); }

  // Reads the next message, which lives as long as the call. `idle`: see OpenCall::BeginRead.
  void BeginRead(grpc::ByteBuffer* message, bool idle = false) {
    open_.BeginRead(
        services_.clock->Now(), [this, self = this->shared_from_this()] { OnSilence(); }, idle);
    StartRead(message);
  }
  // Call first in OnReadDone. Returns false where OnSilence has finished the call.
  bool EndRead() { return open_.EndRead(); }
  // Call before a write: a write to a peer that does not read would never complete by itself. The
  // peer is cut off after ServiceContext.read_patience, unless EndWrite is called before.
  void BeginWrite() {
    open_.BeginRead(services_.clock->Now(),
                    [this, self = this->shared_from_this()] { context_->TryCancel(); });
  }
  void EndWrite() { open_.EndRead(); }

  const ServiceContext services_;
  grpc::CallbackServerContext* const context_;
  const Role role_;
  Call call_;

 private:
  OpenCall open_;
  Mutex self_mutex_;
  std::shared_ptr<Derived> self_ ABSL_GUARDED_BY(self_mutex_);  // until OnDone
};

}  // namespace unlasting::server
