#include "server/rpc/response_queue.h"

#include <utility>

namespace unlasting::server {

ResponseQueue::ResponseQueue(std::shared_ptr<const ResponseBuilder> builder, std::string model,
                             int64_t max_bytes)
    : builder_(std::move(builder)), model_(std::move(model)), max_bytes_(max_bytes) {}

int64_t ResponseQueue::Bytes(const predict::Profiles& profiles) {
  return static_cast<int64_t>(profiles.values.values.size() * sizeof(float));
}

void ResponseQueue::AddProfiles(predict::Profiles profiles) {
  MutexLock lock(&mutex_);
  if (closed_) return;
  bytes_ += Bytes(profiles);
  waiting_.push_back(std::move(profiles));
}

void ResponseQueue::SetProgress(const JobProgress& progress) {
  MutexLock lock(&mutex_);
  progress_ = progress;
}

void ResponseQueue::Close(const absl::Status& status, const JobTimings& timings) {
  MutexLock lock(&mutex_);
  if (closed_) return;
  closed_ = true;
  status_ = status;
  timings_ = timings;
  if (!status.ok()) waiting_.clear();
}

void ResponseQueue::Break(const absl::Status& status) {
  MutexLock lock(&mutex_);
  closed_ = true;
  if (status_.ok()) status_ = status;
  waiting_.clear();
}

bool ResponseQueue::HasRoom() const {
  MutexLock lock(&mutex_);
  return bytes_ < max_bytes_;
}

std::optional<v1::PredictResponse> ResponseQueue::NextPart() {
  const ResultOptions& result = builder_->result();
  if (result.profiles && next_row_ < current_->values.rows) {
    v1::PredictResponse part = builder_->Chunk(*current_, next_row_);
    next_row_ += builder_->RowsPerChunk();
    return part;
  }
  if (result.summaries && !summary_sent_) {
    summary_sent_ = true;
    return builder_->Summary(*current_);
  }
  return std::nullopt;
}

ResponseQueue::Decision ResponseQueue::Decide() {
  Decision decision;
  MutexLock lock(&mutex_);
  if (closed_ && !status_.ok()) {
    decision.item = Item{Kind::kEnd, {}, status_, timings_};
    return decision;
  }
  if (!header_sent_ || !perturbations_sent_ || current_.has_value()) return decision;
  if (!waiting_.empty()) {
    current_ = std::move(waiting_.front());
    waiting_.pop_front();
    next_row_ = 0;
    summary_sent_ = false;
  } else if (closed_ && finished_sent_) {
    decision.item = Item{Kind::kEnd, {}, absl::OkStatus(), timings_};
  } else if (closed_) {
    decision.finished = timings_;
  } else if (progress_.has_value()) {
    decision.progress.swap(progress_);
  } else {
    decision.item = Item{};
  }
  return decision;
}

std::optional<v1::PredictResponse> ResponseQueue::Encode(const Decision& decision) {
  if (!header_sent_) {
    header_sent_ = true;
    return builder_->Header(model_);
  }
  if (!perturbations_sent_) {
    std::optional<v1::PredictResponse> part = builder_->FollowingPerturbations(&next_perturbation_);
    perturbations_sent_ = !part.has_value();
    return part;
  }
  if (decision.finished.has_value()) {
    finished_sent_ = true;
    return builder_->Finished(*decision.finished);
  }
  if (decision.progress.has_value()) return builder_->Progress(*decision.progress);
  return NextPart();
}

ResponseQueue::Item ResponseQueue::Next() {
  bool has_room_again = false;
  while (true) {
    const Decision decision = Decide();
    Item item = decision.item.value_or(Item{});
    if (!decision.item.has_value()) {
      if (std::optional<v1::PredictResponse> message = Encode(decision)) {
        item.kind = Kind::kMessage;
        item.message = std::move(*message);
      } else if (current_.has_value()) {
        // All of current_ has been sent; its bytes are free.
        MutexLock lock(&mutex_);
        const bool had_room = bytes_ < max_bytes_;
        bytes_ -= Bytes(*current_);
        current_.reset();
        has_room_again |= !had_room && bytes_ < max_bytes_;
        continue;
      } else {
        continue;  // no perturbations follow the header, or no more of them
      }
    }
    item.has_room_again = has_room_again;
    return item;
  }
}

}  // namespace unlasting::server
