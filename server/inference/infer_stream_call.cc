#include "server/inference/infer_stream_call.h"

#include <utility>

#include "core/base/status.h"
#include "server/base/out_of_memory.h"
#include "server/rpc/grpc_status.h"
#include "server/rpc/message_reader.h"
#include "server/rpc/wire.h"

namespace unlasting::server {
namespace {

using inference::ModelStreamInferResponse;

absl::Status ShuttingDown() {
  return WithReason(absl::UnavailableError("the server is shutting down"), "SHUTTING_DOWN");
}

ModelStreamInferResponse StreamResponse(Inference::Outcome* outcome) {
  ModelStreamInferResponse response;
  if (outcome->response.ok()) {
    response.mutable_infer_response()->Swap(&*outcome->response);
  } else {
    const absl::Status& status = outcome->response.status();
    // As bounded and as readable as in the trailer of a call.
    response.set_error_message(ToGrpcStatus(status).error_message());
    // The client tells by the id which request has failed.
    response.mutable_infer_response()->set_id(outcome->id);
    auto& parameters = *response.mutable_infer_response()->mutable_parameters();
    parameters["code"].set_string_param(absl::StatusCodeToString(status.code()));
    parameters["reason"].set_string_param(ReasonOf(status));
  }
  // Each request has one answer, which is its last.
  (*response.mutable_infer_response()->mutable_parameters())["triton_final_response"]
      .set_bool_param(true);
  return response;
}

}  // namespace

InferStreamCall::InferStreamCall(const ServiceContext& services,
                                 grpc::CallbackServerContext* context,
                                 const std::function<bool()>* ready)
    : SelfOwnedCall(services, context, "ModelStreamInfer"),
      ready_(ready),
      deadline_(DeadlineOf(*context, *services.clock)) {}

void InferStreamCall::ReadNext() {
  message_.Clear();
  BeginRead(&message_, /*idle=*/true);
}

void InferStreamCall::OnSilence() {
  FinishCall((*ready_)() ? SilentCaller(services_.read_patience) : ShuttingDown());
}

absl::Status InferStreamCall::CheckGoesOn() {
  // The first request is let in with the call; the others are calls by themselves.
  if (requests_ > 1) {
    const absl::Status admitted = call_.Admit(Role::kPredict);
    if (!admitted.ok()) return admitted;
  }
  return (*ready_)() ? absl::OkStatus() : ShuttingDown();
}

void InferStreamCall::OnReadDone(bool ok) {
  if (!EndRead()) return;
  if (!ok) {
    FinishCall(context_->IsCancelled()
                   ? WithReason(absl::CancelledError("cancelled by the caller"), "CANCELLED")
                   : absl::OkStatus());
    return;
  }
  ++requests_;
  request_start_ = services_.clock->Now();
  const absl::Status goes_on = CheckGoesOn();
  if (absl::IsUnauthenticated(goes_on) || absl::IsPermissionDenied(goes_on) ||
      absl::IsUnavailable(goes_on)) {
    FinishCall(goes_on);
    return;
  }
  auto inference = std::make_shared<Inference>(services_, *context_, call_.client(), deadline_);
  auto hold = std::make_unique<IncomingHold>(services_.request_memory);
  absl::Status status = goes_on;
  if (status.ok()) status = CheckMessage(message_, services_.limits, call_.client(), hold.get());
  bool cancelled;
  {
    MutexLock lock(&mutex_);
    inference_ = inference;
    cancelled = cancelled_;
  }
  if (cancelled) inference->Cancel();
  if (!status.ok()) {
    message_.Clear();
    // Not on this thread: a caller that is over its rate could keep it busy.
    services_.write_pool->Schedule([call = shared_from_this(), status] {
      call->Respond({status, "", {}});
    });
    return;
  }
  grpc::ByteBuffer request;
  request.Swap(&message_);
  inference->Start(std::move(request), std::move(hold),
                   [call = shared_from_this()](Inference::Outcome outcome) {
                     call->Respond(std::move(outcome));
                   });
}

void InferStreamCall::Respond(Inference::Outcome outcome) {
  call_.Record("ModelInfer", request_start_, outcome.response.status(), outcome.fields);
  const absl::Status made = WithinMemory<absl::Status>([this, &outcome] {
    message_ = SerializeResponse(StreamResponse(&outcome));
    return absl::OkStatus();
  });
  if (!made.ok()) {
    FinishCall(made);
    return;
  }
  BeginWrite();
  StartWrite(&message_);
}

void InferStreamCall::OnWriteDone(bool ok) {
  EndWrite();
  {
    MutexLock lock(&mutex_);
    inference_ = nullptr;  // and with it the memory of the answer
  }
  if (ok && (*ready_)()) {
    ReadNext();
  } else if (ok) {
    FinishCall(ShuttingDown());
  } else {
    FinishCall(
        WithReason(absl::CancelledError("the stream was closed by the client"), "CANCELLED"));
  }
}

void InferStreamCall::OnCancel() {
  std::shared_ptr<Inference> inference;
  {
    MutexLock lock(&mutex_);
    cancelled_ = true;
    inference = inference_;
  }
  if (inference != nullptr) inference->Cancel();
}

void InferStreamCall::FinishCall(const absl::Status& status) {
  Finish(call_.End(status, {{"requests", absl::StrCat(requests_)}}));
}

}  // namespace unlasting::server
