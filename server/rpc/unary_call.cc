#include "server/rpc/unary_call.h"

#include <algorithm>
#include <utility>

#include "core/base/status.h"
#include "server/base/out_of_memory.h"

namespace unlasting::server {
namespace {

RequestLimits Bounded(RequestLimits limits) {
  limits.max_message_bytes = std::min(limits.max_message_bytes, kMaxUnaryBytes);
  return limits;
}

}  // namespace

UnaryCall::UnaryCall(const ServiceContext& services, grpc::CallbackServerContext* context,
                     const UnaryMethod& method)
    : SelfOwnedCall(services, context, method.name, method.role),
      limits_(Bounded(services.limits)),
      method_(method),
      hold_(services.request_memory) {}

void UnaryCall::OnReadDone(bool ok) {
  if (!EndRead()) return;
  const absl::Status status =
      ok ? CheckMessage(request_, limits_, call_.client(), &hold_) : NoMessage(*context_);
  if (!status.ok()) {
    FinishCall(status);
    return;
  }
  if (method_.pool != nullptr) {
    method_.pool->Schedule([call = shared_from_this()] { call->Work(); });
  } else {
    services_.prepare_pool->Schedule(call_.client(), [call = shared_from_this()] {
      call->Work();
      return false;
    });
  }
}

void UnaryCall::Work() {
  absl::StatusOr<grpc::ByteBuffer> response =
      WithinMemory<absl::StatusOr<grpc::ByteBuffer>>([this] { return Respond(); });
  request_.Clear();
  hold_.Release();
  if (response.ok()) {
    response_ = *std::move(response);
    StartWriteAndFinish(&response_, grpc::WriteOptions(), call_.End(absl::OkStatus()));
  } else {
    FinishCall(response.status());
  }
}

absl::StatusOr<grpc::ByteBuffer> UnaryCall::Respond() {
  // A caller that left while its request waited for this thread costs nothing more.
  if (context_->IsCancelled()) {
    return WithReason(absl::CancelledError("cancelled by the caller"), "CANCELLED");
  }
  const std::unique_ptr<google::protobuf::Message> request = method_.make_request();
  UNLASTING_RETURN_IF_ERROR(ParseMessage(request_, limits_, call_.client(), &hold_, request.get()));
  return method_.work(*request);
}

}  // namespace unlasting::server
