// A RegisterControlsCall carries one call of RegisterControls: it reads a caller's upload part by
// part into the control store.
#pragma once

#include "grpcpp/server_context.h"
#include "server/request/control_validation.h"
#include "server/rpc/self_owned_call.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::server {

// States: reading (header, then chunks) -> registering -> finished. Each part is decoded on the
// prepare pool before the next is read, so an upload holds one message beside what it has gathered.
// An upload that breaks leaves nothing in the store.
class RegisterControlsCall : public SelfOwnedCall<RegisterControlsCall> {
 public:
  RegisterControlsCall(const ServiceContext& services, grpc::CallbackServerContext* context);

  void OnReadDone(bool ok) override;

 private:
  void Begin() override { BeginRead(&message_); }
  void FinishCall(const absl::Status& status) override;
  void TakePart();
  absl::Status ReadPart();
  absl::Status AddPart(const v1::RegisterControlsRequest& part);
  absl::Status Register();

  IncomingHold hold_;
  grpc::ByteBuffer message_;
  grpc::ByteBuffer response_;
  int64_t registered_cells_ = 0;
  bool has_header_ = false;
  cells::ControlMatrix controls_;
};

}  // namespace unlasting::server
