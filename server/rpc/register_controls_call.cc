#include "server/rpc/register_controls_call.h"

#include <utility>

#include "core/base/status.h"
#include "server/rpc/wire.h"

namespace unlasting::server {

RegisterControlsCall* RegisterControlsCall::Start(const ServiceContext& services,
                                                  grpc::CallbackServerContext* context,
                                                  grpc::ByteBuffer* response) {
  auto call = std::make_shared<RegisterControlsCall>(services, context, response);
  call->self_ = call;
  const absl::Status admitted = call->call_.Admit(Role::kPredict);
  if (admitted.ok()) {
    call->StartRead(&call->message_);
  } else {
    call->FinishCall(admitted);
  }
  return call.get();
}

RegisterControlsCall::RegisterControlsCall(const ServiceContext& services,
                                           grpc::CallbackServerContext* context,
                                           grpc::ByteBuffer* response)
    : services_(services),
      context_(context),
      response_(response),
      call_(services_, context, "RegisterControls"),
      hold_(services.request_memory) {}

void RegisterControlsCall::OnReadDone(bool ok) {
  services_.prepare_pool->Schedule([call = shared_from_this(), ok] {
    if (ok) {
      call->TakePart();
    } else {
      call->FinishCall(call->Register());
    }
  });
}

void RegisterControlsCall::TakePart() {
  v1::RegisterControlsRequest part;
  absl::Status status = ParseRequest(message_, &part);
  if (status.ok()) status = AddPart(part);
  if (!status.ok()) {
    FinishCall(status);
    return;
  }
  message_.Clear();
  StartRead(&message_);
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
  UNLASTING_RETURN_IF_ERROR(services_.controls->CheckSize(controls_.Bytes()));
  return hold_.GrowTo(call_.client(), controls_.Bytes());
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
  UNLASTING_ASSIGN_OR_RETURN(const std::string id, services_.controls->Add(std::move(controls_)));
  v1::RegisterControlsResponse answer;
  answer.set_control_set_id(id);
  answer.set_cells(cells);
  answer.set_time_to_live_seconds(absl::ToDoubleSeconds(services_.controls->time_to_live()));
  *response_ = SerializeResponse(answer);
  registered_cells_ = cells;
  return absl::OkStatus();
}

void RegisterControlsCall::FinishCall(const absl::Status& status) {
  Finish(call_.End(status, {{"cells", absl::StrCat(registered_cells_)}}));
}

void RegisterControlsCall::OnDone() {
  const std::shared_ptr<RegisterControlsCall> self = std::move(self_);
}

}  // namespace unlasting::server
