// An InferStreamCall carries one call of ModelStreamInfer, of Triton's form of the Open Inference
// Protocol: any number of requests, answered one after the other in their order. A request that
// fails is answered with an error message, and the stream goes on.
//
// States: reading -> inferring (an Inference) -> writing its answer -> reading ... -> finished,
// once the caller has closed its side, left, or said nothing for too long. Each request counts
// towards the caller's rate as a call does, and is counted and logged as one of ModelInfer.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/time/time.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/base/mutex.h"
#include "server/inference/inference.h"
#include "server/rpc/self_owned_call.h"

namespace unlasting::server {

class InferStreamCall : public SelfOwnedCall<InferStreamCall> {
 public:
  // `ready` says whether the server takes requests; it outlives the call.
  InferStreamCall(const ServiceContext& services, grpc::CallbackServerContext* context,
                  const std::function<bool()>* ready);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;

 private:
  void Begin() override { ReadNext(); }
  void FinishCall(const absl::Status& status) override;
  void OnSilence() override;
  void ReadNext();
  // Why the stream ends before its next request is read; OK where it goes on.
  absl::Status CheckGoesOn();
  void Respond(Inference::Outcome outcome);

  const std::function<bool()>* const ready_;
  const absl::Time deadline_;
  grpc::ByteBuffer message_;  // the one being read, or being written
  absl::Time request_start_;
  int64_t requests_ = 0;

  Mutex mutex_;
  std::shared_ptr<Inference> inference_ ABSL_GUARDED_BY(mutex_);  // until its answer is written
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace unlasting::server
