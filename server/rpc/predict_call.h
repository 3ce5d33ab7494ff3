// A PredictCall carries one call of Predict from its request through a scheduler to its last
// message.
//
// States: reading (the request, once the caller is let in) -> preparing (on the prepare pool, a
// slice at a time) -> queued -> running (in the model's scheduler) -> writing what is left ->
// finished. One message is in flight at a time: SendNext, on the write
// pool, takes it from the response queue and starts its write, and the end of the write schedules
// SendNext again. SendNext also calls Finish, once.
//
// Threads: gRPC's (OnWriteDone, OnCancel, OnDone), the pools', and the executor's (JobListener).
#pragma once

#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "grpcpp/server_context.h"
#include "server/base/mutex.h"
#include "server/rpc/call_preparation.h"
#include "server/rpc/response_queue.h"
#include "server/rpc/self_owned_call.h"
#include "server/rpc/submitted_job.h"
#include "server/scheduling/job_listener.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::server {

class PredictCall : public SelfOwnedCall<PredictCall>, public JobListener {
 public:
  PredictCall(const ServiceContext& services, grpc::CallbackServerContext* context);

  // RawReactor.
  void OnReadDone(bool ok) override;
  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override;

  // JobListener.
  bool Ready() override;
  void OnProfiles(predict::Profiles profiles) override;
  void OnProgress(const JobProgress& progress) override;
  void OnEnd(const absl::Status& status, const JobTimings& timings) override;

 private:
  // SelfOwnedCall.
  void Begin() override { BeginRead(&request_); }
  void FinishCall(const absl::Status& status) override { FinishCall(status, {}); }

  void FinishCall(const absl::Status& status, const JobTimings& timings);
  // A slice of the preparation; returns whether there is more.
  bool Prepare();
  absl::Status Submit();
  // Makes sure that SendNext runs after what was just added to the response queue.
  void ScheduleSend();
  void SendNext();
  void SendWithinMemory();

  IncomingHold hold_;  // of the request's bytes, until the request is prepared
  SubmittedJob job_;
  grpc::ByteBuffer request_;
  absl::Time deadline_ = absl::InfiniteFuture();

  // Exists from the first slice to the last; used by the slices, one at a time.
  std::unique_ptr<CallPreparation> preparation_;

  // Set by Prepare before the job exists; then constant.
  std::shared_ptr<const ValidRequest> valid_;
  std::shared_ptr<ResponseQueue> response_queue_;

  absl::Time last_progress_;  // when progress was last sent, or the start; used by OnProgress only

  grpc::ByteBuffer message_;  // the one being written; must outlive its write

  Mutex mutex_;
  absl::Time write_start_ ABSL_GUARDED_BY(mutex_);
  bool sending_ ABSL_GUARDED_BY(mutex_) = false;     // SendNext or a write is under way
  bool send_again_ ABSL_GUARDED_BY(mutex_) = false;  // something was added meanwhile
};

}  // namespace unlasting::server
