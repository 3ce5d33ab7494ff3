// What one Predict stream has still to send. Results are encoded only when their turn comes, so a
// slow reader costs the memory of its results and no more.
//
// Producers (the scheduler's listener) may be any thread; Next is called by one thread at a time.
//
//   ResponseQueue response_queue(builder, model_name, max_bytes);
//   response_queue.AddProfiles(std::move(profiles));
//   response_queue.Close(absl::OkStatus(), timings);
//   for (auto next = response_queue.Next(); next.kind == ResponseQueue::Kind::kMessage; next =
//   response_queue.Next()) ...
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "server/base/mutex.h"
#include "server/rpc/response_builder.h"

namespace unlasting::server {

class ResponseQueue {
 public:
  enum class Kind {
    kMessage,     // `message` is to be sent
    kNothingYet,  // come back after the next Add, Set or Close
    kEnd,         // `status` ends the stream
  };
  struct Item {
    Kind kind = Kind::kNothingYet;
    v1::PredictResponse message;
    absl::Status status;
    JobTimings timings;      // of kEnd
    bool made_room = false;  // HasRoom became true with this call
  };

  ResponseQueue(std::shared_ptr<const ResponseBuilder> builder, std::string model,
                int64_t max_bytes);

  void AddProfiles(predict::Profiles profiles);
  // Only the latest is kept, and only sent when nothing else is to be.
  void SetProgress(const JobProgress& progress);
  // No more results. On an error what is not sent yet is dropped.
  void Close(const absl::Status& status, const JobTimings& timings);
  // The stream broke: what is not sent yet is dropped and the end is `status`, or the error that
  // the response_queue was closed with.
  void Break(const absl::Status& status);

  // Whether less than `max_bytes` of results wait.
  bool HasRoom() const;

  // The header first, then results in order of arrival, then the end.
  Item Next();

 private:
  static int64_t Bytes(const predict::Profiles& profiles);
  // The next part of `current_`; nullopt when all of it is sent.
  std::optional<v1::PredictResponse> NextPart();

  const std::shared_ptr<const ResponseBuilder> builder_;
  const std::string model_;
  const int64_t max_bytes_;

  // Touched by Next only.
  bool header_sent_ = false;
  bool finished_sent_ = false;
  std::optional<predict::Profiles> current_;
  int64_t next_row_ = 0;
  bool summary_sent_ = false;

  mutable Mutex mutex_;
  std::deque<predict::Profiles> waiting_ ABSL_GUARDED_BY(mutex_);
  std::optional<JobProgress> progress_ ABSL_GUARDED_BY(mutex_);
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  absl::Status status_ ABSL_GUARDED_BY(mutex_);
  JobTimings timings_ ABSL_GUARDED_BY(mutex_);
  int64_t bytes_ ABSL_GUARDED_BY(mutex_) = 0;  // of waiting_ and current_
};

}  // namespace unlasting::server
