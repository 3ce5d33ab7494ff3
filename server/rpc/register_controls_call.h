// A RegisterControlsCall carries one call of RegisterControls: it reads a caller's upload part by
// part into the control store.
#pragma once

#include <memory>

#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "server/request/control_validation.h"
#include "server/rpc/call.h"
#include "server/rpc/open_calls.h"
#include "server/rpc/raw_service.h"
#include "server/rpc/service_context.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::server {

// States: reading (header, then chunks) -> registering -> finished. Each part is decoded on the
// prepare pool before the next is read, so an upload holds one message beside what it has gathered.
// An upload that breaks leaves nothing in the store.
class RegisterControlsCall : public RawReactor,
                             public std::enable_shared_from_this<RegisterControlsCall> {
 public:
  // Starts the call. The object owns itself until gRPC is done with it.
  static RegisterControlsCall* Start(const ServiceContext& services,
                                     grpc::CallbackServerContext* context);

  RegisterControlsCall(const ServiceContext& services, grpc::CallbackServerContext* context);

  void OnReadDone(bool ok) override;
  void OnDone() override;

 private:
  void ReadNext();
  void OnSilence();
  void TakePart();
  absl::Status ReadPart();
  absl::Status AddPart(const v1::RegisterControlsRequest& part);
  absl::Status Register();
  void FinishCall(const absl::Status& status);

  const ServiceContext services_;
  grpc::CallbackServerContext* const context_;
  Call call_;
  IncomingHold hold_;
  OpenCall open_;

  grpc::ByteBuffer message_;
  grpc::ByteBuffer response_;
  int64_t registered_cells_ = 0;
  bool has_header_ = false;
  cells::ControlMatrix controls_;
  std::shared_ptr<RegisterControlsCall> self_;
};

}  // namespace unlasting::server
