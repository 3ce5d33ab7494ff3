#include "server/inference/infer_call.h"

#include <utility>

#include "core/base/status.h"
#include "server/base/out_of_memory.h"
#include "server/rpc/message_reader.h"
#include "server/rpc/wire.h"

namespace unlasting::server {

InferCall* InferCall::Start(const ServiceContext& services, grpc::CallbackServerContext* context) {
  auto call = std::make_shared<InferCall>(services, context);
  call->self_ = call;
  const absl::Status admitted = call->call_.Admit(Role::kPredict);
  if (admitted.ok()) {
    call->inference_ = std::make_shared<Inference>(call->services_, *context, call->call_.client(),
                                                   DeadlineOf(*context, *services.clock));
    call->open_.BeginRead(services.clock->Now(), [call] { call->OnSilence(); });
    call->StartRead(&call->request_);
  } else {
    call->Finish(call->call_.End(admitted));
  }
  return call.get();
}

InferCall::InferCall(const ServiceContext& services, grpc::CallbackServerContext* context)
    : services_(services),
      context_(context),
      call_(services_, context, "ModelInfer"),
      open_(services.open_calls) {}

void InferCall::OnSilence() { Finish(call_.End(SilentCaller(services_.read_patience))); }

void InferCall::OnReadDone(bool ok) {
  if (!open_.EndRead()) return;  // OnSilence has finished the call
  auto hold = std::make_unique<IncomingHold>(services_.request_memory);
  const absl::Status status =
      ok ? CheckMessage(request_, services_.limits, call_.client(), hold.get())
         : NoMessage(*context_);
  if (!status.ok()) {
    Finish(call_.End(status));
    return;
  }
  grpc::ByteBuffer request;
  request.Swap(&request_);
  inference_->Start(
      std::move(request), std::move(hold),
      [call = shared_from_this()](const Inference::Outcome& outcome) { call->Respond(outcome); });
}

void InferCall::Respond(const Inference::Outcome& outcome) {
  absl::Status status = outcome.response.status();
  if (status.ok()) {
    status = WithinMemory<absl::Status>([this, &outcome] {
      response_ = SerializeResponse(*outcome.response);
      return absl::OkStatus();
    });
  }
  const grpc::Status end = call_.End(status, outcome.fields);
  if (!status.ok()) {
    Finish(end);
    return;
  }
  // A write to a peer that does not read would never complete by itself.
  open_.BeginRead(services_.clock->Now(),
                  [call = shared_from_this()] { call->context_->TryCancel(); });
  StartWriteAndFinish(&response_, grpc::WriteOptions(), end);
}

void InferCall::OnCancel() {
  if (inference_ != nullptr) inference_->Cancel();
}

void InferCall::OnDone() {
  open_.EndRead();
  const std::shared_ptr<InferCall> self = std::move(self_);
}

}  // namespace unlasting::server
