#include "server/inference/inference.h"

#include <algorithm>
#include <utility>

#include "absl/strings/strip.h"
#include "core/base/status.h"
#include "server/base/out_of_memory.h"
#include "server/rpc/message_reader.h"

namespace unlasting::server {
namespace {

// Errors of the registry open with the API's names of the fields.
absl::Status WithModelName(const absl::Status& status) {
  for (const auto& [opening, name] : {std::pair("model:", "model_name:"),
                                      std::pair("version of model", "model_version of model")}) {
    absl::string_view message = status.message();
    if (!absl::ConsumePrefix(&message, opening)) continue;
    return WithReason(absl::Status(status.code(), absl::StrCat(name, message)), ReasonOf(status));
  }
  return status;
}

}  // namespace

Inference::Inference(const ServiceContext& services, const grpc::CallbackServerContext& context,
                     const std::string& client, absl::Time deadline)
    : services_(services),
      context_(context),
      client_(client),
      deadline_(deadline),
      answer_hold_(services.request_memory, IncomingKind::kAnswer),
      job_(services.metrics, services.write_pool) {}

void Inference::Start(grpc::ByteBuffer request, std::unique_ptr<IncomingHold> hold, Done done) {
  request_ = std::move(request);
  hold_ = std::move(hold);
  done_ = std::move(done);
  preparation_ = std::make_unique<CallPreparation>(
      services_, context_, client_, hold_.get(),
      [this](v1::PredictRequest* predict) { return Read(predict); });
  services_.prepare_pool->Schedule(client_,
                                   [call = shared_from_this()] { return call->Prepare(); });
}

absl::Status Inference::Read(v1::PredictRequest* request) {
  inference::ModelInferRequest message;
  UNLASTING_RETURN_IF_ERROR(
      ParseMessage(request_, services_.limits, client_, hold_.get(), &message));
  id_ = message.id();
  const size_t said = message.SpaceUsedLong();
  UNLASTING_ASSIGN_OR_RETURN(InferRequest read, ReadInferRequest(services_.limits, &message));
  // Few bytes may say much: a parameter becomes a covariate of every perturbation.
  const size_t meant = read.predict.SpaceUsedLong();
  const auto more = static_cast<int64_t>(meant - std::min(said, meant));
  UNLASTING_RETURN_IF_ERROR(hold_->GrowTo(client_, hold_->bytes() + more));
  perturbations_ = std::move(read.perturbations);
  if (read.timeout < absl::InfiniteDuration()) {
    deadline_ = std::min(deadline_, services_.clock->Now() + read.timeout);
  }
  *request = std::move(read.predict);
  return absl::OkStatus();
}

bool Inference::Prepare() {
  const absl::StatusOr<bool> done = preparation_->Advance(deadline_);
  if (done.ok() && !*done) return true;
  const absl::Status status = done.ok() ? WithinMemory<absl::Status>([this] { return Submit(); })
                                        : WithModelName(done.status());
  preparation_ = nullptr;
  request_.Clear();
  hold_ = nullptr;
  if (!status.ok()) Finish(status, {});
  return false;
}

absl::Status Inference::Submit() {
  UNLASTING_ASSIGN_OR_RETURN(ValidRequest valid,
                             preparation_->Take(deadline_, [this](const std::string& field) {
                               return InputOf(field, perturbations_);
                             }));
  const std::shared_ptr<ServedModel> model = preparation_->model();
  UNLASTING_ASSIGN_OR_RETURN(const int64_t bytes, AnswerBytes(valid, services_.limits));
  UNLASTING_RETURN_IF_ERROR(answer_hold_.GrowTo(client_, bytes));
  valid_ = std::make_shared<const ValidRequest>(std::move(valid));
  answer_ = std::make_unique<Answer>(model->bundle(), valid_, model->name(), bytes);
  return job_.Submit(model, valid_->task, shared_from_this());
}

void Inference::OnProfiles(predict::Profiles profiles) {
  job_.Reach(CallPhase::kRunning);
  {
    MutexLock lock(&mutex_);
    waiting_.push_back(std::move(profiles));
  }
  ScheduleGather();
}

void Inference::OnEnd(const absl::Status& status, const JobTimings& timings) {
  if (timings.started) job_.Reach(CallPhase::kRunning);
  {
    MutexLock lock(&mutex_);
    ending_ = Ending{status, timings};
  }
  ScheduleGather();
}

void Inference::ScheduleGather() {
  {
    MutexLock lock(&mutex_);
    if (gathering_) return;
    gathering_ = true;
  }
  services_.write_pool->Schedule([call = shared_from_this()] { call->Gather(); });
}

void Inference::Gather() {
  while (true) {
    std::optional<predict::Profiles> profiles;
    std::optional<Ending> ending;
    {
      MutexLock lock(&mutex_);
      if (!waiting_.empty()) {
        profiles = std::move(waiting_.front());
        waiting_.pop_front();
      } else if (ending_.has_value()) {
        ending = ending_;  // gathering_ stays true: nothing may follow
      } else {
        gathering_ = false;
        return;
      }
    }
    if (ending.has_value()) {
      broken_.Update(ending->status);
      auto response = WithinMemory<absl::StatusOr<inference::ModelInferResponse>>(
          [this]() -> absl::StatusOr<inference::ModelInferResponse> {
            UNLASTING_RETURN_IF_ERROR(broken_);
            return answer_->Take(id_);
          });
      Finish(std::move(response), ending->timings);
      return;
    }
    broken_.Update(WithinMemory<absl::Status>([this, &profiles] {
      answer_->Add(*profiles);
      return absl::OkStatus();
    }));
  }
}

void Inference::Finish(absl::StatusOr<inference::ModelInferResponse> response,
                       const JobTimings& timings) {
  Outcome outcome{std::move(response), id_, {}};
  const predict::PredictionTask* const task = valid_ == nullptr ? nullptr : &valid_->task;
  outcome.fields = job_.RecordEnd(task, outcome.response.status(), timings);
  answer_ = nullptr;
  job_.Release();
  const Done done = std::move(done_);
  done(std::move(outcome));
}

}  // namespace unlasting::server
