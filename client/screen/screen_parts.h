// ScreenParts keeps what a screen has predicted so far: a folder beside its output with one file a
// batch, each written whole or not at all, so that a screen that was stopped goes on where it was.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/files/prediction_file.h"
#include "client/screen/screen_plan.h"
#include "unlasting/v1/prediction_service.pb.h"

namespace unlasting::client {

// One thread at a time, but for Write, which any may call for different batches.
class ScreenParts {
 public:
  // The folder OUT.parts. `fingerprint` says what is screened and how: parts of another screen are
  // refused with FAILED_PRECONDITION, and parts of this one too unless `resume`.
  static absl::StatusOr<ScreenParts> Open(const std::string& out, const std::string& fingerprint,
                                          bool resume);

  bool Has(int64_t batch) const;
  // `parts` is a complete answer.
  absl::Status Write(int64_t batch, const std::vector<v1::PredictResponse>& parts) const;
  // All batches as one answer, in the order of the screen. DATA_LOSS where a part is missing, is
  // damaged, or was made by another model than the first.
  absl::Status Collect(const std::vector<ScreenBatch>& batches,
                       PredictionCollector* collector) const;
  // Removes the folder.
  void Remove() const;

 private:
  explicit ScreenParts(std::filesystem::path folder) : folder_(std::move(folder)) {}

  std::filesystem::path PathOf(int64_t batch) const;
  absl::StatusOr<std::vector<v1::PredictResponse>> Read(int64_t batch) const;

  std::filesystem::path folder_;
};

}  // namespace unlasting::client
