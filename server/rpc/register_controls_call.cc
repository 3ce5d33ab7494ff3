#include "server/rpc/register_controls_call.h"

#include <utility>

#include "core/base/status.h"
#include "server/base/out_of_memory.h"
#include "server/rpc/message_reader.h"
#include "server/rpc/wire.h"

namespace unlasting::server {

RegisterControlsCall::RegisterControlsCall(const ServiceContext& services,
                                           grpc::CallbackServerContext* context)
    : SelfOwnedCall(services, context, "RegisterControls"),
      hold_(services.request_memory, IncomingKind::kUpload) {}

void RegisterControlsCall::OnReadDone(bool ok) {
  if (!EndRead()) return;
  const absl::Status status =
      ok ? CheckMessage(message_, services_.limits, call_.client(), &hold_) : absl::OkStatus();
  if (!status.ok()) {
    FinishCall(status);
    return;
  }
  services_.prepare_pool->Schedule(call_.client(), [call = shared_from_this(), ok] {
    if (ok) {
      call->TakePart();
    } else {
      call->FinishCall(WithinMemory<absl::Status>([&call] { return call->Register(); }));
    }
    return false;
  });
}

void RegisterControlsCall::TakePart() {
  const absl::Status status = WithinMemory<absl::Status>([this] { return ReadPart(); });
  message_.Clear();
  if (status.ok()) {
    BeginRead(&message_);
  } else {
    FinishCall(status);
  }
}

absl::Status RegisterControlsCall::ReadPart() {
  v1::RegisterControlsRequest part;
  UNLASTING_RETURN_IF_ERROR(
      ParseMessage(message_, services_.limits, call_.client(), &hold_, &part));
  UNLASTING_RETURN_IF_ERROR(AddPart(part));
  // What the part itself took is free once it has been added.
  const int64_t gathered = controls_.Bytes();
  UNLASTING_RETURN_IF_ERROR(hold_.GrowTo(call_.client(), gathered));
  hold_.ShrinkTo(gathered);
  return absl::OkStatus();
}

absl::Status RegisterControlsCall::AddPart(const v1::RegisterControlsRequest& part) {
  Violations violations;
  switch (part.part_case()) {
    case v1::RegisterControlsRequest::kHeader:
      if (has_header_) {
        violations.Add("header", "INVALID_SEQUENCE", "found a second header, expected chunks");
      } else {
        controls_ = DecodeControlsHeader(part.header(), services_.limits, &violations);
        has_header_ = true;
      }
      break;
    case v1::RegisterControlsRequest::kChunk:
      if (has_header_) {
        AppendControlsChunk(part.chunk(), services_.limits, &controls_, &violations);
      } else {
        violations.Add("chunk", "INVALID_SEQUENCE", "found a chunk, expected the header first");
      }
      break;
    case v1::RegisterControlsRequest::PART_NOT_SET:
      violations.Add("part", "MISSING_FIELD", "expected a header or a chunk, found neither");
  }
  UNLASTING_RETURN_IF_ERROR(violations.ToStatus());
  return services_.controls->CheckSize(controls_.Bytes());
}

absl::Status RegisterControlsCall::Register() {
  if (context_->IsCancelled()) {
    return WithReason(absl::CancelledError("the upload ended before it was complete"), "CANCELLED");
  }
  if (controls_.values.rows == 0) {
    Violations violations;
    violations.Add("chunk", "NO_CELLS", "found no cells, expected one or more");
    return violations.ToStatus();
  }
  const int64_t cells = controls_.values.rows;
  UNLASTING_ASSIGN_OR_RETURN(const std::string id,
                             services_.controls->Add(call_.client(), std::move(controls_)));
  v1::RegisterControlsResponse answer;
  answer.set_control_set_id(id);
  answer.set_cells(cells);
  answer.set_time_to_live_seconds(absl::ToDoubleSeconds(services_.controls->time_to_live()));
  response_ = SerializeResponse(answer);
  registered_cells_ = cells;
  return absl::OkStatus();
}

void RegisterControlsCall::FinishCall(const absl::Status& status) {
  const grpc::Status end = call_.End(status, {{"cells", absl::StrCat(registered_cells_)}});
  if (status.ok()) {
    StartWriteAndFinish(&response_, grpc::WriteOptions(), end);
  } else {
    // gRPC may take a while to be done with the call; others wait for the memory. A read may be
    // under way, so that `message_` is gRPC's.
    controls_ = {};
    hold_.Release();
    Finish(end);
  }
}

}  // namespace unlasting::server
