#include "server/inference/infer_call.h"

#include <utility>

#include "core/base/status.h"
#include "server/base/out_of_memory.h"
#include "server/rpc/message_reader.h"
#include "server/rpc/wire.h"

namespace unlasting::server {

InferCall::InferCall(const ServiceContext& services, grpc::CallbackServerContext* context)
    : SelfOwnedCall(services, context, "ModelInfer") {}

void InferCall::Begin() {
  inference_ = std::make_shared<Inference>(services_, *context_, call_.client(),
                                           DeadlineOf(*context_, *services_.clock));
  BeginRead(&request_);
}

void InferCall::OnReadDone(bool ok) {
  if (!EndRead()) return;
  auto hold = std::make_unique<IncomingHold>(services_.request_memory);
  const absl::Status status =
      ok ? CheckMessage(request_, services_.limits, call_.client(), hold.get())
         : NoMessage(*context_);
  if (!status.ok()) {
    FinishCall(status);
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
  BeginWrite();
  StartWriteAndFinish(&response_, grpc::WriteOptions(), end);
}

void InferCall::OnCancel() {
  if (inference_ != nullptr) inference_->Cancel();
}

void InferCall::OnDone() {
  EndWrite();
  SelfOwnedCall::OnDone();
}

}  // namespace unlasting::server
