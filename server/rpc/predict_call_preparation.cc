// The part of PredictCall that turns a request into a job of the model's scheduler, a slice at a
// time.
#include <utility>

#include "core/base/status.h"
#include "server/base/out_of_memory.h"
#include "server/rpc/message_reader.h"
#include "server/rpc/predict_call.h"

namespace unlasting::server {

bool PredictCall::Prepare() {
  if (preparation_ == nullptr) {
    preparation_ = std::make_unique<CallPreparation>(
        services_, *context_, call_.client(), &hold_, [this](v1::PredictRequest* request) {
          return ParseMessage(request_, services_.limits, call_.client(), &hold_, request);
        });
  }
  const absl::StatusOr<bool> done = preparation_->Advance(deadline_);
  if (done.ok() && !*done) return true;
  const absl::Status status =
      done.ok() ? WithinMemory<absl::Status>([this] { return Submit(); }) : done.status();
  preparation_ = nullptr;
  request_.Clear();
  hold_.Release();
  if (status.ok()) {
    ScheduleSend();
  } else {
    FinishCall(status);
  }
  return false;
}

absl::Status PredictCall::Submit() {
  UNLASTING_ASSIGN_OR_RETURN(ValidRequest valid, preparation_->Take(deadline_));
  const std::shared_ptr<ServedModel> model = preparation_->model();
  valid_ = std::make_shared<const ValidRequest>(std::move(valid));
  response_queue_ = std::make_shared<ResponseQueue>(
      std::make_shared<const ResponseBuilder>(model->bundle(), valid_, services_.chunk_bytes),
      model->name(), services_.response_queue_bytes);
  return job_.Submit(model, valid_->task, shared_from_this());
}

}  // namespace unlasting::server
