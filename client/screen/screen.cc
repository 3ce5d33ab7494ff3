#include "client/screen/screen.h"

#include <algorithm>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/strings/str_cat.h"
#include "client/files/predict_request.h"
#include "client/transport/bad_fields.h"
#include "core/base/file.h"
#include "core/base/status.h"
#include "proto/codec/control_codec.h"

namespace unlasting::client {
namespace {

using Rows = std::vector<const ScreenRow*>;

// What the streams share.
struct Shared {
  std::mutex mutex;
  std::vector<Rows> batches;
  size_t next = 0;
  int64_t done = 0;  // rows
  std::vector<BadRow> bad;
  absl::Status error;
};

class Stream {
 public:
  Stream(const std::vector<Client*>& servers, size_t first, const ScreenWork& work,
         const ScreenOptions& options, ServerWatch* watch)
      : work_(work), client_(servers, first, options.retry, options.time, watch) {
    if (work.cells.has_value()) client_.UseControls(&*work.cells);
  }

  // Rows that the server refuses go to `bad`, and the others are asked for again.
  absl::Status Run(Rows rows, const ScreenParts& parts, std::vector<BadRow>* bad) {
    while (!rows.empty()) {
      std::vector<v1::PredictResponse> answer;
      const absl::Status status = Predict(rows, &answer);
      if (status.ok()) {
        std::vector<std::string> keys;
        for (const ScreenRow* row : rows) keys.push_back(row->key);
        return parts.Write(keys, answer);
      }
      const std::map<int, BadPerturbation> refused = BadPerturbations(status);
      if (refused.empty()) return status;
      Rows others;
      for (size_t k = 0; k < rows.size(); ++k) {
        const auto why = refused.find(static_cast<int>(k));
        if (why == refused.end()) {
          others.push_back(rows[k]);
        } else {
          bad->push_back({rows[k]->line, rows[k]->name, why->second.reason, why->second.message,
                          rows[k]->text, rows[k]->key});
        }
      }
      // An index beyond the request would otherwise ask for ever.
      if (others.size() == rows.size()) return status;
      rows = std::move(others);
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Predict(const Rows& rows, std::vector<v1::PredictResponse>* answer) {
    v1::PredictRequest request = work_.request;
    for (const ScreenRow* row : rows) *request.add_perturbations() = row->perturbation;
    return client_.Predict(
        request, [answer] { answer->clear(); },
        [answer](const v1::PredictResponse& part) {
          if (!part.has_progress()) answer->push_back(part);
          return absl::OkStatus();
        });
  }

  const ScreenWork& work_;
  RetryingClient client_;
};

void RunStream(Stream* stream, const ScreenParts& parts, Shared* shared,
               const std::function<void(int64_t)>& on_done) {
  while (true) {
    Rows rows;
    {
      const std::lock_guard<std::mutex> lock(shared->mutex);
      if (shared->next == shared->batches.size() || !shared->error.ok()) return;
      rows = shared->batches[shared->next++];
    }
    std::vector<BadRow> bad;
    const absl::Status status = stream->Run(rows, parts, &bad);
    const std::lock_guard<std::mutex> lock(shared->mutex);
    shared->bad.insert(shared->bad.end(), bad.begin(), bad.end());
    if (!status.ok()) {
      if (shared->error.ok()) shared->error = status;
      return;
    }
    shared->done += static_cast<int64_t>(rows.size());
    on_done(shared->done);
  }
}

}  // namespace

std::string FingerprintOf(const ScreenWork& work) {
  // How many genes are ranked changes no prediction: a page that is asked for later fits.
  v1::PredictRequest request = work.request;
  if (request.has_options()) request.mutable_options()->set_ranked_genes(kRankedGenes);
  std::string all = request.SerializeAsString();
  if (work.cells.has_value()) {
    absl::StrAppend(&all, codec::EncodeControls(*work.cells).SerializeAsString());
  }
  return Sha256(all);
}

absl::StatusOr<std::vector<BadRow>> RunScreen(const std::vector<Client*>& servers,
                                              const ScreenWork& work, const ScreenOptions& options,
                                              const ScreenParts& parts, ServerWatch* watch,
                                              const std::function<void(int64_t)>& on_done) {
  Shared shared;
  for (const ScreenRow& row : work.rows) {
    if (parts.Has(row.key)) {
      ++shared.done;
      continue;
    }
    if (shared.batches.empty() ||
        static_cast<int64_t>(shared.batches.back().size()) >= options.batch) {
      shared.batches.emplace_back();
    }
    shared.batches.back().push_back(&row);
  }
  on_done(shared.done);
  std::vector<std::thread> threads;
  for (size_t k = 0; k < servers.size() * static_cast<size_t>(options.streams); ++k) {
    threads.emplace_back([&, k] {
      Stream stream(servers, k % servers.size(), work, options, watch);
      RunStream(&stream, parts, &shared, on_done);
    });
  }
  for (std::thread& thread : threads) thread.join();
  UNLASTING_RETURN_IF_ERROR(shared.error);
  std::sort(shared.bad.begin(), shared.bad.end(),
            [](const BadRow& a, const BadRow& b) { return a.line < b.line; });
  return shared.bad;
}

}  // namespace unlasting::client
