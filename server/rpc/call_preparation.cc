#include "server/rpc/call_preparation.h"

#include <utility>

#include "core/base/status.h"
#include "grpc/support/time.h"
#include "server/base/out_of_memory.h"

namespace unlasting::server {
namespace {

// How long a request is prepared before another caller has its turn.
constexpr absl::Duration kSlice = absl::Milliseconds(10);

// A deadline further away is none.
constexpr absl::Duration kLongestDeadline = absl::Hours(24 * 365);

}  // namespace

absl::Time DeadlineOf(const grpc::CallbackServerContext& context, const Clock& clock) {
  // Not context.deadline(), which overflows where a caller allows more than 292 years.
  const gpr_timespec left =
      gpr_time_sub(gpr_convert_clock_type(context.raw_deadline(), GPR_CLOCK_MONOTONIC),
                   gpr_now(GPR_CLOCK_MONOTONIC));
  const absl::Duration duration = absl::Seconds(left.tv_sec) + absl::Nanoseconds(left.tv_nsec);
  if (duration > kLongestDeadline) return absl::InfiniteFuture();
  return clock.Now() + duration;
}

CallPreparation::CallPreparation(const ServiceContext& services,
                                 const grpc::CallbackServerContext& context,
                                 const std::string& client, IncomingHold* hold, Read read)
    : services_(services),
      context_(context),
      client_(client),
      hold_(hold),
      read_(std::move(read)) {}

absl::Status CallPreparation::CheckWanted(absl::Time deadline) const {
  // A caller that left while its request waited for this thread costs nothing more.
  if (context_.IsCancelled()) {
    return WithReason(absl::CancelledError("cancelled by the caller"), "CANCELLED");
  }
  if (services_.clock->Now() >= deadline) {
    return WithReason(
        absl::DeadlineExceededError("the deadline passed before the request was prepared"),
        "DEADLINE_EXCEEDED");
  }
  if (time_ <= services_.max_preparation) return absl::OkStatus();
  return WithReason(
      absl::ResourceExhaustedError(absl::StrCat(
          "the request took more than ", absl::FormatDuration(services_.max_preparation),
          " to prepare (limits.max_preparation_seconds): send fewer molecules per call")),
      "PREPARATION_TOO_LONG");
}

absl::Status CallPreparation::Begin() {
  UNLASTING_RETURN_IF_ERROR(read_(&request_));
  UNLASTING_ASSIGN_OR_RETURN(model_,
                             services_.models->Find(request_.model(), request_.model_version()));
  request_bytes_ = hold_->bytes();
  work_ = std::make_unique<RequestPreparation>(
      &request_, model_->bundle().get(), &model_->genes(), services_.limits,
      [this](const std::string& id) {
        auto controls = services_.controls->Find(client_, id);
        services_.metrics->CountControlLookup(controls != nullptr);
        return controls;
      });
  return absl::OkStatus();
}

absl::StatusOr<bool> CallPreparation::Slice(absl::Time deadline) {
  UNLASTING_RETURN_IF_ERROR(CheckWanted(deadline));
  if (work_ == nullptr) UNLASTING_RETURN_IF_ERROR(Begin());
  const absl::Time end = services_.clock->Now() + kSlice;
  const bool done = work_->Advance([this, end] { return services_.clock->Now() < end; });
  UNLASTING_RETURN_IF_ERROR(hold_->GrowTo(client_, request_bytes_ + work_->resolved_bytes()));
  return done;
}

absl::StatusOr<bool> CallPreparation::Advance(absl::Time deadline) {
  const absl::Time start = services_.clock->Now();
  absl::StatusOr<bool> done =
      WithinMemory<absl::StatusOr<bool>>([this, deadline] { return Slice(deadline); });
  time_ += services_.clock->Now() - start;
  return done;
}

absl::StatusOr<ValidRequest> CallPreparation::Take(absl::Time deadline,
                                                   const RequestPreparation::FieldName& name) {
  UNLASTING_ASSIGN_OR_RETURN(ValidRequest valid, work_->Take(name));
  valid.task.client = client_;
  valid.task.deadline = deadline;
  return valid;
}

}  // namespace unlasting::server
