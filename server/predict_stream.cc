#include "server/predict_stream.h"

#include <chrono>
#include <utility>

#include "core/base/status.h"
#include "server/error_details.h"
#include "server/logging.h"

namespace unlasting::server {
namespace {

// The caller's deadline by `clock`, which does not jump with the wall clock.
absl::Time DeadlineOf(const grpc::CallbackServerContext& context, const Clock& clock) {
  const std::chrono::system_clock::time_point deadline = context.deadline();
  if (deadline == std::chrono::system_clock::time_point::max()) return absl::InfiniteFuture();
  return clock.Now() + absl::FromChrono(deadline - std::chrono::system_clock::now());
}

}  // namespace

PredictStream* PredictStream::Start(const ServiceContext& services,
                                    grpc::CallbackServerContext* context,
                                    const v1::PredictRequest* request) {
  auto stream = std::make_shared<PredictStream>(services, context, request);
  {
    MutexLock lock(&stream->mutex_);
    stream->self_ = stream;
  }
  services.prepare_pool->Schedule([stream] { stream->Prepare(); });
  return stream.get();
}

PredictStream::PredictStream(const ServiceContext& services, grpc::CallbackServerContext* context,
                             const v1::PredictRequest* request)
    : services_(services), context_(context), request_(request), start_(services.clock->Now()) {}

void PredictStream::Prepare() {
  const absl::Status status = Submit();
  if (status.ok()) {
    Kick();
  } else {
    FinishCall(status, {});
  }
}

absl::Status PredictStream::Submit() {
  UNLASTING_ASSIGN_OR_RETURN(const std::shared_ptr<ServedModel> model,
                             services_.models->Find(request_->model()));
  UNLASTING_ASSIGN_OR_RETURN(
      PredictWork work,
      ValidatePredict(*request_, *model->bundle(), model->genes(), services_.limits,
                      [this](const std::string& id) { return services_.controls->Find(id); }));
  work_ = std::make_shared<const PredictWork>(std::move(work));
  outbox_ = std::make_shared<Outbox>(
      std::make_shared<const ResponseBuilder>(model->bundle(), work_, services_.chunk_bytes),
      model->name(), services_.outbox_bytes);

  JobRequest job;
  job.controls = work_->controls;
  job.perturbations = work_->perturbations;
  job.options = work_->options;
  job.priority =
      work_->priority == v1::PRIORITY_BULK ? JobPriority::kBulk : JobPriority::kInteractive;
  job.deadline = DeadlineOf(*context_, *services_.clock);
  {
    // Before Submit: the job may end before Submit returns.
    MutexLock lock(&mutex_);
    model_ = model;
  }
  UNLASTING_ASSIGN_OR_RETURN(const uint64_t id,
                             model->scheduler().Submit(std::move(job), shared_from_this()));
  bool cancelled;
  {
    MutexLock lock(&mutex_);
    job_ = id;
    cancelled = cancelled_;
  }
  if (cancelled) model->scheduler().Cancel(id);
  return absl::OkStatus();
}

void PredictStream::Kick() {
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

void PredictStream::Pump() {
  while (true) {
    {
      MutexLock lock(&mutex_);
      kicked_ = false;
    }
    Outbox::Item item = outbox_->Next();
    if (item.made_room) {
      MutexLock lock(&mutex_);
      if (model_ != nullptr) model_->scheduler().Wake();
    }
    switch (item.kind) {
      case Outbox::Kind::kMessage:
        message_ = std::move(item.message);
        StartWrite(&message_);
        return;
      case Outbox::Kind::kEnd:
        // pumping_ stays true: nothing may follow.
        FinishCall(item.status, item.timings);
        return;
      case Outbox::Kind::kNothingYet: {
        MutexLock lock(&mutex_);
        if (kicked_) continue;
        pumping_ = false;
        return;
      }
    }
  }
}

void PredictStream::FinishCall(const absl::Status& status, const JobTimings& timings) {
  const absl::Duration retry_delay = RetryDelayOf(status);
  if (retry_delay > absl::ZeroDuration()) {
    context_->AddTrailingMetadata("grpc-retry-pushback-ms",
                                  std::to_string(absl::ToInt64Milliseconds(retry_delay)));
  }
  const absl::Duration duration = services_.clock->Now() - start_;
  services_.metrics->CountCall("Predict", status, duration);
  LogFields fields = {{"method", "Predict"},
                      {"code", absl::StatusCodeToString(status.code())},
                      {"seconds", absl::StrCat(absl::ToDoubleSeconds(duration))}};
  if (!status.ok()) fields.emplace_back("reason", ReasonOf(status));
  if (work_ != nullptr) {
    const int64_t cells = work_->controls->values.rows;
    const int64_t perturbations = static_cast<int64_t>(work_->perturbations.size());
    fields.emplace_back("cells", absl::StrCat(cells));
    fields.emplace_back("perturbations", absl::StrCat(perturbations));
    fields.emplace_back("queue_seconds", absl::StrCat(absl::ToDoubleSeconds(timings.queue)));
    fields.emplace_back("compute_seconds", absl::StrCat(absl::ToDoubleSeconds(timings.compute)));
    if (status.ok()) {
      MutexLock lock(&mutex_);
      services_.metrics->CountPrediction(model_->name(), cells * perturbations, timings);
    }
  }
  LogEvent(LogLevel::kInfo, "call", fields);
  Finish(ToGrpcStatus(status));
}

void PredictStream::CancelJob() {
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

void PredictStream::OnWriteDone(bool ok) {
  if (!ok) {
    // Nobody reads any more; what is left to send is dropped.
    outbox_->Close(WithReason(absl::CancelledError("the stream broke"), "CANCELLED"), {});
    CancelJob();
  }
  services_.write_pool->Schedule([stream = shared_from_this()] { stream->Pump(); });
}

void PredictStream::OnCancel() { CancelJob(); }

void PredictStream::OnDone() {
  std::shared_ptr<PredictStream> self;
  std::shared_ptr<ServedModel> model;
  {
    MutexLock lock(&mutex_);
    self = std::move(self_);
    model = std::move(model_);
  }
  // A model must not be released on its executor's thread, nor joined on one of gRPC's.
  services_.write_pool->Schedule([model = std::move(model)] {});
}

bool PredictStream::Ready() { return outbox_->HasRoom(); }

void PredictStream::OnProfiles(predict::Profiles profiles) {
  outbox_->AddProfiles(std::move(profiles));
  Kick();
}

void PredictStream::OnProgress(const JobProgress& progress) {
  outbox_->SetProgress(progress);
  Kick();
}

void PredictStream::OnEnd(const absl::Status& status, const JobTimings& timings) {
  outbox_->Close(status, timings);
  Kick();
}

}  // namespace unlasting::server
