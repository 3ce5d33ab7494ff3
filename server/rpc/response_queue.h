// A ResponseQueue holds what one Predict call has still to send to its reader. Results are encoded
// only when their turn comes, so a slow reader costs the memory of its results and no more.
//
//   ResponseQueue queue(builder, model_name, max_bytes);
//   queue.AddProfiles(std::move(profiles));
//   queue.Close(absl::OkStatus(), timings);
//   ResponseQueue::Item item = queue.Next();  // the header, then the profiles, then kEnd
//
// States: open -> closed (Close or Break). Any thread may call any member, but Next is called by
// one thread at a time.
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
    kNothingYet,  // call again after the next AddProfiles, SetProgress, Close or Break
    kEnd,         // `status` ends the stream
  };
  struct Item {
    Kind kind = Kind::kNothingYet;
    v1::PredictResponse message;
    absl::Status status;
    JobTimings timings;           // of kEnd
    bool has_room_again = false;  // HasRoom became true with this call
  };

  ResponseQueue(std::shared_ptr<const ResponseBuilder> builder, std::string model,
                int64_t max_bytes);

  void AddProfiles(predict::Profiles profiles);
  // Only the latest progress is kept, and it is sent only when there is nothing else to send.
  void SetProgress(const JobProgress& progress);
  // Ends the results. On an error, what has not been sent is dropped.
  void Close(const absl::Status& status, const JobTimings& timings);
  // The stream is gone: what has not been sent is dropped, and the end is the error of Close, or
  // else `status`.
  void Break(const absl::Status& status);

  // Whether less than `max_bytes` of results are waiting.
  bool HasRoom() const;

  // The next item: first the header, then results in order of arrival, then the end.
  Item Next();

 private:
  static int64_t Bytes(const predict::Profiles& profiles);
  // What Next is to send: decided under the lock, encoded without it.
  struct Decision {
    std::optional<Item> item;  // nothing to encode
    std::optional<JobTimings> finished;
    std::optional<JobProgress> progress;
  };
  Decision Decide();
  // Encodes what was decided; nullopt when all of current_ has been sent.
  std::optional<v1::PredictResponse> Encode(const Decision& decision);
  // The next part of `current_`; nullopt when all of it has been sent.
  std::optional<v1::PredictResponse> NextPart();

  const std::shared_ptr<const ResponseBuilder> builder_;
  const std::string model_;
  const int64_t max_bytes_;

  // Used by Next only.
  bool header_sent_ = false;
  size_t next_perturbation_ = 0;  // of those that follow the header
  bool perturbations_sent_ = false;
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
