// An InferCall carries one call of ModelInfer: one request, one answer.
//
// States: reading (the request, once the caller is let in) -> inferring (an Inference) -> writing
// the answer -> finished.
#pragma once

#include <memory>

#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/inference/inference.h"
#include "server/rpc/call.h"
#include "server/rpc/open_calls.h"
#include "server/rpc/raw_service.h"
#include "server/rpc/service_context.h"

namespace unlasting::server {

// The object owns itself until gRPC is done with it. A caller that does not take its answer within
// ServiceContext.read_patience is cut off.
class InferCall : public RawReactor, public std::enable_shared_from_this<InferCall> {
 public:
  static InferCall* Start(const ServiceContext& services, grpc::CallbackServerContext* context);

  InferCall(const ServiceContext& services, grpc::CallbackServerContext* context);

  void OnReadDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  void OnSilence();
  void Respond(const Inference::Outcome& outcome);

  const ServiceContext services_;
  grpc::CallbackServerContext* const context_;
  Call call_;
  OpenCall open_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  std::shared_ptr<Inference> inference_;  // null where the caller is not let in
  std::shared_ptr<InferCall> self_;       // until OnDone
};

}  // namespace unlasting::server
