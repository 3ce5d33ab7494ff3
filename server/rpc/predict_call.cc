#include "server/rpc/predict_call.h"

#include <algorithm>
#include <utility>

#include "core/base/status.h"
#include "server/base/out_of_memory.h"
#include "server/rpc/message_reader.h"
#include "server/rpc/wire.h"

namespace unlasting::server {
namespace {

// A message for each step of each call would take time from the steps.
constexpr absl::Duration kProgressInterval = absl::Milliseconds(100);

}  // namespace

PredictCall* PredictCall::Start(const ServiceContext& services,
                                grpc::CallbackServerContext* context) {
  auto call = std::make_shared<PredictCall>(services, context);
  {
    MutexLock lock(&call->mutex_);
    call->self_ = call;
  }
  const absl::Status admitted = call->call_.Admit(Role::kPredict);
  if (admitted.ok()) {
    call->open_.BeginRead(services.clock->Now(), [call] { call->OnSilence(); });
    call->StartRead(&call->request_);
  } else {
    call->FinishCall(admitted, {});
  }
  return call.get();
}

PredictCall::PredictCall(const ServiceContext& services, grpc::CallbackServerContext* context)
    : services_(services),
      context_(context),
      call_(services_, context, "Predict"),
      hold_(services.request_memory),
      open_(services.open_calls),
      deadline_(DeadlineOf(*context, *services.clock)),
      last_progress_(services_.clock->Now()) {}

void PredictCall::OnSilence() { FinishCall(SilentCaller(services_.read_patience), {}); }

void PredictCall::OnReadDone(bool ok) {
  if (!open_.EndRead()) return;  // OnSilence has finished the call
  const absl::Status status =
      ok ? CheckMessage(request_, services_.limits, call_.client(), &hold_) : NoMessage(*context_);
  if (status.ok()) {
    services_.prepare_pool->Schedule(call_.client(),
                                     [call = shared_from_this()] { return call->Prepare(); });
  } else {
    FinishCall(status, {});
  }
}

void PredictCall::Reach(CallPhase phase) {
  MutexLock lock(&mutex_);
  phase_ = std::max(phase_, phase);
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
  services_.write_pool->Schedule([call = shared_from_this()] { call->SendWithinMemory(); });
}

void PredictCall::SendWithinMemory() {
  const absl::Status sent = WithinMemory<absl::Status>([this] {
    SendNext();
    return absl::OkStatus();
  });
  if (sent.ok()) return;
  // A message could not be made, so that none is being written.
  response_queue_->Break(sent);
  CancelJob();
  SendNext();
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
  services_.write_pool->Schedule([call = shared_from_this()] { call->SendWithinMemory(); });
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
