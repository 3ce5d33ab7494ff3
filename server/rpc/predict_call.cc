#include "server/rpc/predict_call.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/base/status.h"
#include "server/rpc/wire.h"

namespace unlasting::server {
namespace {

// A message for each step of each call would take time from the steps.
constexpr absl::Duration kProgressInterval = absl::Milliseconds(100);

// The caller's deadline on `clock`, which does not jump with the wall clock.
absl::Time DeadlineOf(const grpc::CallbackServerContext& context, const Clock& clock) {
  const std::chrono::system_clock::time_point deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return absl::InfiniteFuture();
  return clock.Now() + absl::FromChrono(deadline - std::chrono::system_clock::now());
}

}  // namespace

PredictCall* PredictCall::Start(const ServiceContext& services,
                                grpc::CallbackServerContext* context,
                                const grpc::ByteBuffer* request) {
  auto call = std::make_shared<PredictCall>(services, context, request);
  {
    MutexLock lock(&call->mutex_);
    call->self_ = call;
  }
  absl::Status admitted = call->call_.Admit(Role::kPredict);
  if (admitted.ok()) {
    admitted = call->hold_.GrowTo(call->call_.client(), static_cast<int64_t>(request->Length()));
  }
  if (admitted.ok()) {
    services.prepare_pool->Schedule([call] { call->Prepare(); });
  } else {
    call->FinishCall(admitted, {});
  }
  return call.get();
}

PredictCall::PredictCall(const ServiceContext& services, grpc::CallbackServerContext* context,
                         const grpc::ByteBuffer* request)
    : services_(services),
      context_(context),
      request_(request),
      call_(services_, context, "Predict"),
      hold_(services.request_memory),
      last_progress_(services_.clock->Now()) {}

void PredictCall::Reach(CallPhase phase) {
  MutexLock lock(&mutex_);
  phase_ = std::max(phase_, phase);
}

void PredictCall::Prepare() {
  // A caller that left while its request waited for this thread costs nothing more.
  const absl::Status status =
      context_->IsCancelled()
          ? WithReason(absl::CancelledError("cancelled by the caller"), "CANCELLED")
          : Submit();
  hold_.Release();
  if (status.ok()) {
    ScheduleSend();
  } else {
    FinishCall(status, {});
  }
}

absl::Status PredictCall::Submit() {
  v1::PredictRequest request;
  UNLASTING_RETURN_IF_ERROR(ParseRequest(*request_, &request));
  UNLASTING_ASSIGN_OR_RETURN(const std::shared_ptr<ServedModel> model,
                             services_.models->Find(request.model(), request.model_version()));
  UNLASTING_ASSIGN_OR_RETURN(
      ValidRequest valid,
      ValidatePredict(request, *model->bundle(), model->genes(), services_.limits,
                      [this](const std::string& id) {
                        auto controls = services_.controls->Find(id);
                        services_.metrics->CountControlLookup(controls != nullptr);
                        return controls;
                      }));
  valid.task.client = call_.client();
  valid.task.deadline = DeadlineOf(*context_, *services_.clock);
  valid_ = std::make_shared<const ValidRequest>(std::move(valid));
  response_queue_ = std::make_shared<ResponseQueue>(
      std::make_shared<const ResponseBuilder>(model->bundle(), valid_, services_.chunk_bytes),
      model->name(), services_.response_queue_bytes);
  {
    // Before Submit: the job may end before Submit returns.
    MutexLock lock(&mutex_);
    model_ = model;
  }
  UNLASTING_ASSIGN_OR_RETURN(const uint64_t id,
                             model->scheduler().Submit(valid_->task, shared_from_this()));
  Reach(CallPhase::kQueued);
  bool cancelled;
  {
    MutexLock lock(&mutex_);
    job_ = id;
    cancelled = cancelled_;
  }
  if (cancelled) model->scheduler().Cancel(id);
  return absl::OkStatus();
}

void PredictCall::ScheduleSend() {
  {
    MutexLock lock(&mutex_);
    if (sending_) {
      send_again_ = true;
      return;
    }
    sending_ = true;
  }
  services_.write_pool->Schedule([call = shared_from_this()] { call->SendNext(); });
}

void PredictCall::SendNext() {
  while (true) {
    {
      MutexLock lock(&mutex_);
      send_again_ = false;
    }
    ResponseQueue::Item item = response_queue_->Next();
    if (item.has_room_again) {
      MutexLock lock(&mutex_);
      if (model_ != nullptr) model_->scheduler().Wake();
    }
    switch (item.kind) {
      case ResponseQueue::Kind::kMessage:
        message_ = SerializeResponse(item.message);
        {
          // The lock also hands message_ on to the thread of the next SendNext.
          MutexLock lock(&mutex_);
          write_start_ = services_.clock->Now();
        }
        StartWrite(&message_);
        return;
      case ResponseQueue::Kind::kEnd:
        // sending_ stays true: nothing may follow.
        FinishCall(item.status, item.timings);
        return;
      case ResponseQueue::Kind::kNothingYet: {
        MutexLock lock(&mutex_);
        if (send_again_) continue;
        sending_ = false;
        return;
      }
    }
  }
}

void PredictCall::CountCancelled(const absl::Status& status) {
  MutexLock lock(&mutex_);
  // A deadline that is refused at admission counts as a refusal, not as a cancellation.
  if (absl::IsCancelled(status) ||
      (absl::IsDeadlineExceeded(status) && phase_ != CallPhase::kPreparing)) {
    services_.metrics->CountCancelled(phase_);
  }
}

void PredictCall::FinishCall(const absl::Status& status, const JobTimings& timings) {
  CountCancelled(status);
  LogFields fields;
  if (valid_ != nullptr) {
    const predict::PredictionTask& task = valid_->task;
    fields = {{"cells", absl::StrCat(task.cells())},
              {"perturbations", absl::StrCat(task.perturbations.size())},
              {"queue_seconds", absl::StrCat(absl::ToDoubleSeconds(timings.queue))},
              {"compute_seconds", absl::StrCat(absl::ToDoubleSeconds(timings.compute))}};
    MutexLock lock(&mutex_);
    if (model_ != nullptr) {
      fields.emplace_back("model", model_->name());
      fields.emplace_back("version", model_->version());
      if (status.ok()) {
        services_.metrics->CountPrediction(model_->name(), model_->version(), task.predictions(),
                                           timings);
      }
    }
  }
  Finish(call_.End(status, fields));
}

void PredictCall::CancelJob() {
  std::shared_ptr<ServedModel> model;
  uint64_t job;
  {
    MutexLock lock(&mutex_);
    cancelled_ = true;
    model = model_;
    job = job_;
  }
  if (model != nullptr && job != 0) model->scheduler().Cancel(job);
}

void PredictCall::OnWriteDone(bool ok) {
  absl::Time started;
  {
    MutexLock lock(&mutex_);
    started = write_start_;
  }
  services_.metrics->ObserveWrite(services_.clock->Now() - started);
  if (!ok) {
    // The reader is gone.
    response_queue_->Break(
        WithReason(absl::CancelledError("the stream was closed by the client"), "CANCELLED"));
    CancelJob();
  }
  services_.write_pool->Schedule([call = shared_from_this()] { call->SendNext(); });
}

void PredictCall::OnCancel() { CancelJob(); }

void PredictCall::OnDone() {
  std::shared_ptr<PredictCall> self;
  std::shared_ptr<ServedModel> model;
  {
    MutexLock lock(&mutex_);
    self = std::move(self_);
    model = std::move(model_);
  }
  // A model must not be released on its executor's thread, nor may one of gRPC's threads join it.
  services_.write_pool->Schedule([model = std::move(model)] {});
}

bool PredictCall::Ready() { return response_queue_->HasRoom(); }

void PredictCall::OnProfiles(predict::Profiles profiles) {
  Reach(CallPhase::kRunning);
  response_queue_->AddProfiles(std::move(profiles));
  ScheduleSend();
}

void PredictCall::OnProgress(const JobProgress& progress) {
  Reach(CallPhase::kRunning);
  const absl::Time now = services_.clock->Now();
  if (now - last_progress_ < kProgressInterval) return;
  last_progress_ = now;
  response_queue_->SetProgress(progress);
  ScheduleSend();
}

void PredictCall::OnEnd(const absl::Status& status, const JobTimings& timings) {
  if (status.ok()) Reach(CallPhase::kWriting);
  response_queue_->Close(status, timings);
  // A write to a peer that does not read would never complete by itself.
  if (ReasonOf(status) == "SLOW_READER") context_->TryCancel();
  ScheduleSend();
}

}  // namespace unlasting::server
