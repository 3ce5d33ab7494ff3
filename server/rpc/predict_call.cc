#include "server/rpc/predict_call.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "core/base/status.h"

namespace unlasting::server {
namespace {

// A message for each step of each call would take part of the time that the steps have.
constexpr absl::Duration kProgressEvery = absl::Milliseconds(100);

// The caller's deadline by `clock`, which does not jump with the wall clock.
absl::Time DeadlineOf(const grpc::CallbackServerContext& context, const Clock& clock) {
  const std::chrono::system_clock::time_point deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return absl::InfiniteFuture();
  return clock.Now() + absl::FromChrono(deadline - std::chrono::system_clock::now());
}

}  // namespace

PredictCall* PredictCall::Start(const ServiceContext& services,
                                grpc::CallbackServerContext* context,
                                const v1::PredictRequest* request) {
  auto stream = std::make_shared<PredictCall>(services, context, request);
  {
    MutexLock lock(&stream->mutex_);
    stream->self_ = stream;
  }
  absl::Status admitted = stream->call_.Admit(Role::kPredict);
  if (admitted.ok()) {
    admitted =
        stream->hold_.GrowTo(stream->call_.client(), static_cast<int64_t>(request->ByteSizeLong()));
  }
  if (admitted.ok()) {
    services.prepare_pool->Schedule([stream] { stream->Prepare(); });
  } else {
    stream->FinishCall(admitted, {});
  }
  return stream.get();
}

PredictCall::PredictCall(const ServiceContext& services, grpc::CallbackServerContext* context,
                         const v1::PredictRequest* request)
    : services_(services),
      context_(context),
      request_(request),
      call_(services_, context, "Predict"),
      hold_(services.incoming),
      last_progress_(services_.clock->Now()) {}

void PredictCall::Reach(CallPhase phase) {
  MutexLock lock(&mutex_);
  phase_ = std::max(phase_, phase);
}

void PredictCall::Prepare() {
  // Whoever left while the request waited for this thread costs nothing more.
  const absl::Status status =
      context_->IsCancelled()
          ? WithReason(absl::CancelledError("cancelled by the caller"), "CANCELLED")
          : Submit();
  hold_.Release();
  if (status.ok()) {
    Kick();
  } else {
    FinishCall(status, {});
  }
}

absl::Status PredictCall::Submit() {
  UNLASTING_ASSIGN_OR_RETURN(const std::shared_ptr<ServedModel> model,
                             services_.models->Find(request_->model(), request_->model_version()));
  UNLASTING_ASSIGN_OR_RETURN(
      ValidRequest valid,
      ValidatePredict(*request_, *model->bundle(), model->genes(), services_.limits,
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
      model->name(), services_.outbox_bytes);
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

void PredictCall::Kick() {
  {
    MutexLock lock(&mutex_);
    if (pumping_) {
      kicked_ = true;
      return;
    }
    pumping_ = true;
  }
  services_.write_pool->Schedule([stream = shared_from_this()] { stream->Pump(); });
}

void PredictCall::Pump() {
  while (true) {
    {
      MutexLock lock(&mutex_);
      kicked_ = false;
    }
    ResponseQueue::Item item = response_queue_->Next();
    if (item.made_room) {
      MutexLock lock(&mutex_);
      if (model_ != nullptr) model_->scheduler().Wake();
    }
    switch (item.kind) {
      case ResponseQueue::Kind::kMessage:
        message_ = std::move(item.message);
        {
          // What this pump wrote is the next one's after OnWriteDone: handed on under our own lock.
          MutexLock lock(&mutex_);
          write_start_ = services_.clock->Now();
        }
        StartWrite(&message_);
        return;
      case ResponseQueue::Kind::kEnd:
        // pumping_ stays true: nothing may follow.
        FinishCall(item.status, item.timings);
        return;
      case ResponseQueue::Kind::kNothingYet: {
        MutexLock lock(&mutex_);
        if (kicked_) continue;
        pumping_ = false;
        return;
      }
    }
  }
}

void PredictCall::CountCancelled(const absl::Status& status) {
  MutexLock lock(&mutex_);
  // A deadline that is refused at admission is a refusal and counted as one.
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
    // Nobody reads any more.
    response_queue_->Break(WithReason(absl::CancelledError("the stream broke"), "CANCELLED"));
    CancelJob();
  }
  services_.write_pool->Schedule([stream = shared_from_this()] { stream->Pump(); });
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
  // A model must not be released on its executor's thread, nor joined on one of gRPC's.
  services_.write_pool->Schedule([model = std::move(model)] {});
}

bool PredictCall::Ready() { return response_queue_->HasRoom(); }

void PredictCall::OnProfiles(predict::Profiles profiles) {
  Reach(CallPhase::kRunning);
  response_queue_->AddProfiles(std::move(profiles));
  Kick();
}

void PredictCall::OnProgress(const JobProgress& progress) {
  Reach(CallPhase::kRunning);
  const absl::Time now = services_.clock->Now();
  if (now - last_progress_ < kProgressEvery) return;
  last_progress_ = now;
  response_queue_->SetProgress(progress);
  Kick();
}

void PredictCall::OnEnd(const absl::Status& status, const JobTimings& timings) {
  if (status.ok()) Reach(CallPhase::kWriting);
  response_queue_->Close(status, timings);
  // A write to a peer that does not read would never end by itself.
  if (ReasonOf(status) == "SLOW_READER") context_->TryCancel();
  Kick();
}

}  // namespace unlasting::server
