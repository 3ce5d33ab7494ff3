#include "server/rpc/predict_call.h"

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

PredictCall::PredictCall(const ServiceContext& services, grpc::CallbackServerContext* context)
    : SelfOwnedCall(services, context, "Predict"),
      hold_(services.request_memory),
      job_(services.metrics, services.write_pool),
      deadline_(DeadlineOf(*context, *services.clock)),
      last_progress_(services_.clock->Now()) {}

void PredictCall::OnReadDone(bool ok) {
  if (!EndRead()) return;
  const absl::Status status =
      ok ? CheckMessage(request_, services_.limits, call_.client(), &hold_) : NoMessage(*context_);
  if (status.ok()) {
    services_.prepare_pool->Schedule(call_.client(),
                                     [call = shared_from_this()] { return call->Prepare(); });
  } else {
    FinishCall(status);
  }
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
  job_.Cancel();
  SendNext();
}

void PredictCall::SendNext() {
  while (true) {
    {
      MutexLock lock(&mutex_);
      send_again_ = false;
    }
    ResponseQueue::Item item = response_queue_->Next();
    if (item.has_room_again) job_.Wake();
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

void PredictCall::FinishCall(const absl::Status& status, const JobTimings& timings) {
  const predict::PredictionTask* const task = valid_ == nullptr ? nullptr : &valid_->task;
  Finish(call_.End(status, job_.RecordEnd(task, status, timings)));
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
    job_.Cancel();
  }
  services_.write_pool->Schedule([call = shared_from_this()] { call->SendWithinMemory(); });
}

void PredictCall::OnCancel() { job_.Cancel(); }

void PredictCall::OnDone() {
  job_.Release();
  SelfOwnedCall::OnDone();
}

bool PredictCall::Ready() { return response_queue_->HasRoom(); }

void PredictCall::OnProfiles(predict::Profiles profiles) {
  job_.Reach(CallPhase::kRunning);
  response_queue_->AddProfiles(std::move(profiles));
  ScheduleSend();
}

void PredictCall::OnProgress(const JobProgress& progress) {
  job_.Reach(CallPhase::kRunning);
  const absl::Time now = services_.clock->Now();
  if (now - last_progress_ < kProgressInterval) return;
  last_progress_ = now;
  response_queue_->SetProgress(progress);
  ScheduleSend();
}

void PredictCall::OnEnd(const absl::Status& status, const JobTimings& timings) {
  if (status.ok()) job_.Reach(CallPhase::kWriting);
  response_queue_->Close(status, timings);
  // A write to a peer that does not read would never complete by itself.
  if (ReasonOf(status) == "SLOW_READER") context_->TryCancel();
  ScheduleSend();
}

}  // namespace unlasting::server
