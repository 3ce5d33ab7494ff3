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

ResponseQueue::Item ResponseQueue::Next() {
  Item item;
  while (true) {
    std::optional<JobTimings> finished;
    std::optional<JobProgress> progress;
    {
      MutexLock lock(&mutex_);
      if (closed_ && !status_.ok()) {
        item.kind = Kind::kEnd;
        item.status = status_;
        item.timings = timings_;
        return item;
      }
      if (header_sent_ && !current_.has_value()) {
        if (!waiting_.empty()) {
          current_ = std::move(waiting_.front());
          waiting_.pop_front();
          next_row_ = 0;
          summary_sent_ = false;
        } else if (closed_) {
          if (finished_sent_) {
            item.kind = Kind::kEnd;
            item.timings = timings_;
            return item;
          }
          finished = timings_;
        } else if (progress_.has_value()) {
          progress.swap(progress_);
        } else {
          return item;
        }
      }
    }
    item.kind = Kind::kMessage;
    if (!header_sent_) {
      header_sent_ = true;
      item.message = builder_->Header(model_);
      return item;
    }
    if (finished.has_value()) {
      finished_sent_ = true;
      item.message = builder_->Finished(*finished);
      return item;
    }
    if (progress.has_value()) {
      item.message = builder_->Progress(*progress);
      return item;
    }
    if (std::optional<v1::PredictResponse> part = NextPart()) {
      item.message = std::move(*part);
      return item;
    }
    item.kind = Kind::kNothingYet;
    MutexLock lock(&mutex_);
    const bool had_room = bytes_ < max_bytes_;
    bytes_ -= Bytes(*current_);
    current_.reset();
    item.made_room |= !had_room && bytes_ < max_bytes_;
  }
}

}  // namespace unlasting::server
