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
#include "server/rpc/call.h"
#include "server/rpc/open_calls.h"
#include "server/rpc/raw_service.h"
#include "server/rpc/service_context.h"

namespace unlasting::server {

// The object owns itself until gRPC is done with it.
class InferStreamCall : public RawReactor, public std::enable_shared_from_this<InferStreamCall> {
 public:
  // `ready` says whether the server takes requests; it outlives the call.
  static InferStreamCall* Start(const ServiceContext& services,
                                grpc::CallbackServerContext* context,
                                const std::function<bool()>* ready);

  InferStreamCall(const ServiceContext& services, grpc::CallbackServerContext* context,
                  const std::function<bool()>* ready);

  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

 private:
  void ReadNext();
  void OnSilence();
  // Why the stream ends before its next request is read; OK where it goes on.
  absl::Status CheckGoesOn();
  void Respond(Inference::Outcome outcome);
  void FinishCall(const absl::Status& status);

  const ServiceContext services_;
  grpc::CallbackServerContext* const context_;
  const std::function<bool()>* const ready_;
  Call call_;
  OpenCall open_;
  const absl::Time deadline_;
  grpc::ByteBuffer message_;  // the one being read, or being written
  absl::Time request_start_;
  int64_t requests_ = 0;

  Mutex mutex_;
  std::shared_ptr<Inference> inference_ ABSL_GUARDED_BY(mutex_);  // until its answer is written
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<InferStreamCall> self_;  // until OnDone
};

}  // namespace unlasting::server
