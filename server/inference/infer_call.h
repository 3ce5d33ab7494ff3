// An InferCall carries one call of ModelInfer: one request, one answer.
//
// States: reading (the request, once the caller is let in) -> inferring (an Inference) -> writing
// the answer -> finished.
#pragma once

#include <memory>

#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/inference/inference.h"
#include "server/rpc/self_owned_call.h"

namespace unlasting::server {

// A caller that does not take its answer within ServiceContext.read_patience is cut off.
class InferCall : public SelfOwnedCall<InferCall> {
 public:
  InferCall(const ServiceContext& services, grpc::CallbackServerContext* context);

  void OnReadDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  void Begin() override;
  void FinishCall(const absl::Status& status) override { Finish(call_.End(status)); }
  void Respond(const Inference::Outcome& outcome);

  grpc::ByteBuffer request_;
  grpc::ByteBuffer response_;
  std::shared_ptr<Inference> inference_;  // null where the caller is not let in
};

}  // namespace unlasting::server
