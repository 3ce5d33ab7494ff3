// The part of PredictCall that turns a request into a job of the model's scheduler, a slice at a
// time.
#include <utility>

#include "core/base/status.h"
#include "server/base/out_of_memory.h"
#include "server/rpc/message_reader.h"
#include "server/rpc/predict_call.h"

namespace unlasting::server {
namespace {

// How long a request is prepared before another caller has its turn.
constexpr absl::Duration kSlice = absl::Milliseconds(10);

}  // namespace

struct PredictCall::Preparation {
  v1::PredictRequest request;
  std::shared_ptr<ServedModel> model;
  std::unique_ptr<RequestPreparation> work;
  int64_t request_bytes = 0;  // held before any perturbation was resolved
};

bool PredictCall::Prepare() {
  const absl::Time start = services_.clock->Now();
  absl::StatusOr<bool> done = WithinMemory<absl::StatusOr<bool>>([this] { return PrepareSlice(); });
  preparation_time_ += services_.clock->Now() - start;
  if (done.ok() && !*done) return true;
  const absl::Status status =
      done.ok() ? WithinMemory<absl::Status>([this] { return Submit(); }) : done.status();
  preparation_ = nullptr;
  request_.Clear();
  hold_.Release();
  if (status.ok()) {
    ScheduleSend();
  } else {
    FinishCall(status, {});
  }
  return false;
}

absl::Status PredictCall::CheckWanted() const {
  // A caller that left while its request waited for this thread costs nothing more.
  if (context_->IsCancelled()) {
    return WithReason(absl::CancelledError("cancelled by the caller"), "CANCELLED");
  }
  if (services_.clock->Now() >= deadline_) {
    return WithReason(
        absl::DeadlineExceededError("the deadline passed before the request was prepared"),
        "DEADLINE_EXCEEDED");
  }
  if (preparation_time_ <= services_.max_preparation) return absl::OkStatus();
  return WithReason(
      absl::ResourceExhaustedError(absl::StrCat(
          "the request took more than ", absl::FormatDuration(services_.max_preparation),
          " to prepare (limits.max_preparation_seconds): send fewer molecules per call")),
      "PREPARATION_TOO_LONG");
}

absl::Status PredictCall::BeginPreparation() {
  auto preparation = std::make_shared<Preparation>();
  UNLASTING_RETURN_IF_ERROR(
      ParseMessage(request_, services_.limits, call_.client(), &hold_, &preparation->request));
  const v1::PredictRequest& request = preparation->request;
  UNLASTING_ASSIGN_OR_RETURN(preparation->model,
                             services_.models->Find(request.model(), request.model_version()));
  const ServedModel& model = *preparation->model;
  preparation->request_bytes = hold_.bytes();
  preparation->work = std::make_unique<RequestPreparation>(
      &request, model.bundle().get(), &model.genes(), services_.limits,
      [this](const std::string& id) {
        auto controls = services_.controls->Find(call_.client(), id);
        services_.metrics->CountControlLookup(controls != nullptr);
        return controls;
      });
  preparation_ = std::move(preparation);
  return absl::OkStatus();
}

absl::StatusOr<bool> PredictCall::PrepareSlice() {
  UNLASTING_RETURN_IF_ERROR(CheckWanted());
  if (preparation_ == nullptr) UNLASTING_RETURN_IF_ERROR(BeginPreparation());
  const absl::Time end = services_.clock->Now() + kSlice;
  const bool done =
      preparation_->work->Advance([this, end] { return services_.clock->Now() < end; });
  UNLASTING_RETURN_IF_ERROR(hold_.GrowTo(
      call_.client(), preparation_->request_bytes + preparation_->work->resolved_bytes()));
  return done;
}

absl::Status PredictCall::Submit() {
  UNLASTING_ASSIGN_OR_RETURN(ValidRequest valid, preparation_->work->Take());
  const std::shared_ptr<ServedModel> model = preparation_->model;
  valid.task.client = call_.client();
  valid.task.deadline = deadline_;
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

}  // namespace unlasting::server
