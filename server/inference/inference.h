// An Inference carries one ModelInferRequest of the Open Inference Protocol from its bytes through
// a scheduler to its answer, for the call or the stream that the request came by. It takes the way
// of PredictionService.Predict: the same checks, limits, quotas, queue and metrics.
//
// States: idle -> preparing (on the prepare pool, a slice at a time) -> queued -> running (in the
// model's scheduler) -> done. Profiles are put into the answer on the write pool while the others
// are still computed.
//
// Threads: the pools', the executor's (JobListener), and gRPC's (Cancel).
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "grpcpp/server_context.h"
#include "grpcpp/support/byte_buffer.h"
#include "server/base/logging.h"
#include "server/base/mutex.h"
#include "server/inference/answer.h"
#include "server/inference/infer_request.h"
#include "server/rpc/call_preparation.h"
#include "server/rpc/service_context.h"
#include "server/rpc/submitted_job.h"
#include "server/scheduling/job_listener.h"

namespace unlasting::server {

class Inference : public JobListener, public std::enable_shared_from_this<Inference> {
 public:
  struct Outcome {
    absl::StatusOr<inference::ModelInferResponse> response;
    std::string id;    // of the request, where it could be read
    LogFields fields;  // what the access log says of it
  };
  // Called once, on a thread of the pools.
  using Done = std::function<void(Outcome)>;

  // `services` and `context` outlive this. The memory of the answer is held for as long as this
  // lives.
  Inference(const ServiceContext& services, const grpc::CallbackServerContext& context,
            const std::string& client, absl::Time deadline);

  // Begins. `hold` has the bytes of the request (CheckMessage) and is released once it is prepared.
  // Call once.
  void Start(grpc::ByteBuffer request, std::unique_ptr<IncomingHold> hold, Done done);
  // Ends the work soon; `done` is called still. Any thread, at any time.
  void Cancel() { job_.Cancel(); }

  // JobListener.
  bool Ready() override { return true; }
  void OnProfiles(predict::Profiles profiles) override;
  void OnProgress(const JobProgress&) override {}
  void OnEnd(const absl::Status& status, const JobTimings& timings) override;

 private:
  struct Ending {
    absl::Status status;
    JobTimings timings;
  };

  absl::Status Read(v1::PredictRequest* request);
  // A slice of the preparation; returns whether there is more.
  bool Prepare();
  absl::Status Submit();
  // Makes sure that Gather runs after what was just added to waiting_ or ending_.
  void ScheduleGather();
  // Puts what waits into the answer, and finishes once that was the last.
  void Gather();
  void Finish(absl::StatusOr<inference::ModelInferResponse> response, const JobTimings& timings);

  const ServiceContext services_;
  const grpc::CallbackServerContext& context_;
  const std::string client_;
  absl::Time deadline_;  // earlier than the call's where the request has a timeout
  Done done_;

  grpc::ByteBuffer request_;
  std::unique_ptr<IncomingHold> hold_;  // of the request's bytes, until it is prepared
  IncomingHold answer_hold_;
  SubmittedJob job_;
  std::unique_ptr<CallPreparation> preparation_;
  std::string id_;
  std::string perturbations_;  // InferRequest::perturbations

  // Set before the job exists. answer_ is used by Gather alone, one at a time.
  std::shared_ptr<const ValidRequest> valid_;
  std::unique_ptr<Answer> answer_;
  absl::Status broken_;  // of an answer that could not be put together

  Mutex mutex_;
  std::deque<predict::Profiles> waiting_ ABSL_GUARDED_BY(mutex_);
  std::optional<Ending> ending_ ABSL_GUARDED_BY(mutex_);
  bool gathering_ ABSL_GUARDED_BY(mutex_) = false;  // Gather runs or is scheduled
};

}  // namespace unlasting::server
