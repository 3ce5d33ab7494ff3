#include "client/transport/retrying_client.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>
#include <utility>

#include "absl/time/clock.h"
#include "core/base/status.h"
#include "proto/codec/control_codec.h"

namespace unlasting::client {
namespace {

// Below this, control cells travel with the request; above, they are uploaded first in parts.
constexpr int64_t kMaxInlineBytes = 2 << 20;

// How long a first server that failed is left alone.
constexpr absl::Duration kFirstAbsence = absl::Seconds(1);
constexpr absl::Duration kLongestAbsence = absl::Seconds(30);

}  // namespace

RetryingClient::Time RetryingClient::RealTime(Cancellation* cancellation) {
  return {[] {
            return absl::UnixEpoch() +
                   absl::FromChrono(std::chrono::steady_clock::now().time_since_epoch());
          },
          [cancellation](absl::Duration duration) {
            if (cancellation == nullptr) {
              absl::SleepFor(duration);
            } else {
              cancellation->WaitFor(duration);
            }
          }};
}

RetryingClient::RetryingClient(std::vector<Client*> clients, size_t first,
                               const RetryPolicy& policy, Time time, ServerWatch* watch)
    : clients_(std::move(clients)),
      first_(first % clients_.size()),
      current_(first_),
      watch_(watch),
      policy_(policy),
      time_(std::move(time)),
      control_ids_(clients_.size()) {}

void RetryingClient::UseControls(const cells::ControlMatrix* cells) {
  cells_ = cells;
  control_ids_.assign(clients_.size(), "");
}

absl::Status RetryingClient::AddControls(v1::PredictRequest* request) {
  if (cells_ == nullptr) return absl::OkStatus();
  if (codec::EncodedBytes(*cells_) <= kMaxInlineBytes) {
    if (!request->has_cells()) *request->mutable_cells() = codec::EncodeControls(*cells_);
    return absl::OkStatus();
  }
  std::string& id = control_ids_[current_];
  if (id.empty()) {
    UNLASTING_ASSIGN_OR_RETURN(const auto registered,
                               clients_[current_]->RegisterControls(*cells_));
    id = registered.control_set_id();
  }
  request->set_control_set_id(id);
  return absl::OkStatus();
}

void RetryingClient::Account(const absl::Status& status) {
  const bool failed = !status.ok() && MayPass(status);
  if (current_ == first_) {
    first_failures_ = failed ? first_failures_ + 1 : 0;
    if (failed) {
      first_again_ =
          time_.now() +
          std::min(kLongestAbsence, kFirstAbsence * std::pow(2, std::min(first_failures_ - 1, 30)));
    }
  }
  if (watch_ == nullptr) return;
  if (status.ok()) watch_->Completed(current_);
  if (failed) watch_->Failed(current_, status);
}

absl::Status RetryingClient::Predict(
    v1::PredictRequest request, const std::function<void()>& on_start,
    const std::function<absl::Status(const v1::PredictResponse&)>& on_part) {
  if (time_.now() >= first_again_) current_ = first_;
  int failures = 0;
  absl::Time last_arrival = time_.now();
  while (true) {
    on_start();
    absl::Status refused;
    bool arrived = false;
    absl::Status status = AddControls(&request);
    if (status.ok()) {
      status = clients_[current_]->Predict(request, [&](const v1::PredictResponse& part) {
        arrived = true;
        last_arrival = time_.now();
        refused = on_part(part);
        return refused;
      });
    }
    UNLASTING_RETURN_IF_ERROR(refused);
    if (!status.ok() && clients_[current_]->cancelled()) return CallWasCancelled();
    Account(status);
    if (status.ok()) return status;
    failures = arrived ? 1 : failures + 1;
    const bool forgotten = cells_ != nullptr && ReasonOf(status) == "UNKNOWN_CONTROL_SET";
    if (forgotten) control_ids_[current_].clear();
    if (!forgotten && !MayPass(status)) return status;
    if (time_.now() - last_arrival >= policy_.give_up) return status;
    ++retries_;
    // A server that forgot, e.g. because it was restarted, is as good as before.
    if (forgotten && failures == 1) continue;
    const double draw = std::uniform_real_distribution<double>()(random_);
    time_.sleep(WaitBeforeRetry(policy_, failures, ServersDelay(status), draw));
    current_ = (current_ + 1) % clients_.size();
  }
}

}  // namespace unlasting::client
