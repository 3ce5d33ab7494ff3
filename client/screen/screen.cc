#include "client/screen/screen.h"

#include <mutex>
#include <thread>
#include <utility>

#include "core/base/status.h"

namespace unlasting::client {
namespace {

// What the streams share.
struct Shared {
  std::mutex mutex;
  size_t next = 0;
  int64_t done = 0;  // perturbations
  absl::Status error;
};

class Stream {
 public:
  Stream(const std::vector<Client*>& servers, size_t first, const ScreenWork& work,
         const ScreenOptions& options)
      : work_(work), client_(servers, first, options.retry, options.time) {
    if (work.cells.has_value()) client_.UseControls(&*work.cells);
  }

  absl::Status Run(int64_t batch, const ScreenParts& parts) {
    v1::PredictRequest request = work_.request;
    for (int64_t k = work_.batches[batch].first; k < work_.batches[batch].last; ++k) {
      *request.add_perturbations() = work_.perturbations[k];
    }
    std::vector<v1::PredictResponse> answer;
    UNLASTING_RETURN_IF_ERROR(client_.Predict(
        request, [&answer] { answer.clear(); },
        [&answer](const v1::PredictResponse& part) {
          if (!part.has_progress()) answer.push_back(part);
          return absl::OkStatus();
        }));
    return parts.Write(batch, answer);
  }

 private:
  const ScreenWork& work_;
  RetryingClient client_;
};

}  // namespace

absl::Status RunScreen(const std::vector<Client*>& servers, const ScreenWork& work,
                       const ScreenOptions& options, const ScreenParts& parts,
                       const std::function<void(int64_t)>& on_done) {
  Shared shared;
  std::vector<int64_t> missing;
  for (size_t k = 0; k < work.batches.size(); ++k) {
    if (parts.Has(static_cast<int64_t>(k))) {
      shared.done += work.batches[k].last - work.batches[k].first;
    } else {
      missing.push_back(static_cast<int64_t>(k));
    }
  }
  on_done(shared.done);
  const auto run = [&](size_t first) {
    Stream stream(servers, first, work, options);
    while (true) {
      int64_t batch;
      {
        const std::lock_guard<std::mutex> lock(shared.mutex);
        if (shared.next == missing.size() || !shared.error.ok()) return;
        batch = missing[shared.next++];
      }
      const absl::Status status = stream.Run(batch, parts);
      const std::lock_guard<std::mutex> lock(shared.mutex);
      if (!status.ok()) {
        if (shared.error.ok()) shared.error = status;
        return;
      }
      shared.done += work.batches[batch].last - work.batches[batch].first;
      on_done(shared.done);
    }
  };
  std::vector<std::thread> threads;
  for (size_t k = 0; k < servers.size() * static_cast<size_t>(options.streams); ++k) {
    threads.emplace_back(run, k % servers.size());
  }
  for (std::thread& thread : threads) thread.join();
  return shared.error;
}

}  // namespace unlasting::client
