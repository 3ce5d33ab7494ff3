// One call of Predict: from the request through a scheduler to the last message.
//
// States: preparing (on the prepare pool) -> queued and running (in the model's scheduler) ->
// closed. At most one pump is active at a time: it takes one message from the response_queue on the
// write pool and starts its write; the write's end starts the next. Finish is called by the pump,
// once.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/server_callback.h"
#include "server/base/mutex.h"
#include "server/rpc/call.h"
#include "server/rpc/response_queue.h"
#include "server/rpc/service_context.h"
#include "server/scheduling/scheduler.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::server {

class PredictCall : public grpc::ServerWriteReactor<v1::PredictResponse>,
                    public JobListener,
                    public std::enable_shared_from_this<PredictCall> {
 public:
  // Starts the call; the object owns itself until gRPC is done with it.
  static PredictCall* Start(const ServiceContext& services, grpc::CallbackServerContext* context,
                            const v1::PredictRequest* request);

  PredictCall(const ServiceContext& services, grpc::CallbackServerContext* context,
              const v1::PredictRequest* request);

  // grpc::ServerWriteReactor.
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  // JobListener.
  bool Ready() override;
  void OnProfiles(predict::Profiles profiles) override;
  void OnProgress(const JobProgress& progress) override;
  void OnEnd(const absl::Status& status, const JobTimings& timings) override;

 private:
  // Sets the phase where it comes after the present one.
  void Reach(CallPhase phase);
  void Prepare();
  absl::Status Submit();
  // Sees to it that a pump runs after whatever was just added.
  void Kick();
  void Pump();
  void CancelJob();
  void FinishCall(const absl::Status& status, const JobTimings& timings);
  void CountCancelled(const absl::Status& status);

  const ServiceContext services_;
  grpc::CallbackServerContext* const context_;
  const v1::PredictRequest* const request_;
  Call call_;
  IncomingHold hold_;  // until the request is prepared

  // Set by Prepare before the job exists; then constant.
  std::shared_ptr<const ValidRequest> valid_;
  std::shared_ptr<ResponseQueue> response_queue_;

  absl::Time last_progress_;  // sent, or the start; the listener's calls come one at a time

  v1::PredictResponse message_;  // must live while its write does

  Mutex mutex_;
  absl::Time write_start_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<ServedModel> model_ ABSL_GUARDED_BY(mutex_);
  uint64_t job_ ABSL_GUARDED_BY(mutex_) = 0;  // 0: not in the scheduler
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  CallPhase phase_ ABSL_GUARDED_BY(mutex_) = CallPhase::kPreparing;
  bool pumping_ ABSL_GUARDED_BY(mutex_) = false;
  bool kicked_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<PredictCall> self_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace unlasting::server
